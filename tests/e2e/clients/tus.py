"""Sends a file with tus-py-client: tus.py <endpoint> <key> <file> <chunk bytes> <type>"""

import sys
from os.path import basename

from tusclient import client

endpoint, key, file, chunk, filetype = sys.argv[1:]
tus = client.TusClient(endpoint, headers={"Authorization": f"Bearer {key}"})
uploader = tus.uploader(
    file,
    chunk_size=int(chunk),
    metadata={"filename": basename(file), "filetype": filetype},
    retries=8,
    retry_delay=1,
    upload_checksum=True,
)
uploader.upload()
print("done", uploader.url)
