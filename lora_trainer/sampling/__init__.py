"""Drawing pictures as the WebUI would (A1111 v1.10), so that a sample's infotext draws the same picture in txt2img."""
