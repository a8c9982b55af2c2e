from saddle.study.source import Document
def override(documents, overrides):
    return documents, []
