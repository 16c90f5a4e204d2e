"""Flags that the trainer adds to the WebUI's command line."""


def preload(parser):
    """Called by the WebUI with its argparse parser before anything else of the extension."""
    parser.add_argument(
        "--lora-trainer-folder",
        action="append",
        metavar="FOLDER",
        help="Train LoRA: a folder that may be used from the page although others can reach it "
        "(--listen, --share); may be given several times",
    )
    parser.add_argument(
        "--lora-trainer-admin",
        action="append",
        metavar="USER",
        help="Train LoRA: an account of --gradio-auth or --api-auth that sees and steers everybody's runs; may be "
        "given several times (default: the first account)",
    )
    parser.add_argument(
        "--lora-trainer-devices",
        metavar="NAMES",
        help="Train LoRA: further devices that runs may use, beside that of the WebUI and in processes of their own, "
        "e.g. cuda:1,cuda:2; that of the WebUI named twice takes a second run",
    )
