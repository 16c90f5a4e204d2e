"""Finding models, and fetching those that are not there: a test sees in `fetched` what would have been downloaded."""

from pathlib import Path

fetched = []


def load_models(model_path, model_url=None, ext_filter=None, download_name=None):
    found = [str(path) for path in Path(model_path).rglob("*") if path.suffix in ext_filter]
    if not found:
        fetched.append(model_url)
        found = [str(Path(model_path) / download_name)]
    return found
