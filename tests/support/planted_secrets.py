"""Twenty secrets of different kinds, as users have them: in the output of a method, and in the environment."""

from __future__ import annotations

BY_THE_METHOD = """
a database at postgresql://team:zq-one/p@ss@db/studies, by a user without a name at redis://:zq-two@cache:6379/0
https://b.s3.example/k?X-Amz-Credential=zq-three%2F2026&X-Amz-Signature=zq-four&X-Amz-Security-Token=zq-five&X=1
https://acc.blob.example/c?sv=2020&sig=zq-six%3D and https://x.example/y?access_token=zq-seven&z=3
Authorization: Bearer zq-eight
{'Authorization': 'Basic cXo6enEtbmluZQ=='}
connect(user='u', password='zq-ten and more')
{"password": "zq-eleven \\" and more", "n": 1}
host=db user=u password=zq-twelve dbname=x
AWS_SECRET_ACCESS_KEY=zq/thirteen+key
https://hooks.slack.com/services/T0/B0/zq-fourteen was called
AKIAZQFIFTEEN0000000 was refused
ghp_zqsixteen0123456789abcdefABCDEF0123 was refused
hf_zqSeventeenAbcdefghijklmnop was refused
the endpoint repeats zq eighteen as it is, and zq-nineteen
"""
IN_THE_ENVIRONMENT = {
    "SOME_API_KEY": "zq eighteen as it is", "AWS_SESSION_TOKEN": "zq-twenty-of-the-session",
    "SOME_DATABASE": "postgresql://u:zq-nineteen@db/x",
}  # fmt: skip
SECRETS = [
    "zq-one", "p@ss@db", "zq-two", "zq-three", "zq-four", "zq-five", "zq-six", "zq-seven", "zq-eight", "cXo6enEtbmluZQ",
    "zq-ten", "zq-eleven", "zq-twelve", "zq/thirteen", "zq-fourteen", "AKIAZQFIFTEEN", "zqsixteen", "zqSeventeen",
    "zq eighteen", "zq-nineteen", "zq-twenty",
]  # fmt: skip
