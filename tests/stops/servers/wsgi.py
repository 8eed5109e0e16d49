"""For gunicorn: GET /slow is answered when the file `go` is there. Each worker has a connection to $DATABASE."""

import os
import socket
import time

DATABASE = os.environ["DATABASE"].split(":")
connection = socket.create_connection((DATABASE[0], int(DATABASE[1])))


def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        print("slow", flush=True)
        while not os.path.exists("go"):
            time.sleep(0.01)
    body = b"hello\n"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
