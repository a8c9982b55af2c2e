def check(drafts, trainables): pass
