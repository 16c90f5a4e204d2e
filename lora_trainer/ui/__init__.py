"""The page: HTML, style and script of our own, carried by gradio in one empty element."""
