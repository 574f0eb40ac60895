"""A folder as a file system that only Hadoop's own client can read: WebHDFS on loopback, as far as listing and reading go.
Prints its port. It names no content type: those jars of Hadoop that come with pyspark have nothing that reads one."""
import contextlib
import http.server
import json
import os
import sys
import urllib.parse

FOLDER = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = {key.lower(): value for key, value in urllib.parse.parse_qsl(url.query)}
        path = urllib.parse.unquote(url.path).removeprefix("/webhdfs/v1")
        local, operation = FOLDER + path, query["op"].upper()
        if not os.path.exists(local):
            return self.refuse(404, "java.io.FileNotFoundException", path)
        if operation == "GETFILESTATUS":
            return self.answer(200, {"FileStatus": status(local, "")})
        if operation == "LISTSTATUS":
            names = sorted(os.listdir(local)) if os.path.isdir(local) else [""]
            statuses = [status(os.path.join(local, name) if name else local, name) for name in names]
            return self.answer(200, {"FileStatuses": {"FileStatus": statuses}})
        if operation == "GETFILEBLOCKLOCATIONS":
            return self.answer(200, {"BlockLocations": {"BlockLocation": []}})
        if operation == "OPEN":
            with open(local, "rb") as file:
                file.seek(int(query.get("offset", 0)))
                body = file.read(int(query["length"])) if "length" in query else file.read()
            return self.answer(200, body)
        return self.refuse(400, "java.lang.UnsupportedOperationException", operation)

    def refuse(self, code, kind, message):
        said = {"exception": kind.rsplit(".")[-1], "javaClassName": kind, "message": message}
        return self.answer(code, {"RemoteException": said})

    def answer(self, code, body):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # Who reads the first lines only hangs up.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def status(local, name):
    kind = "DIRECTORY" if os.path.isdir(local) else "FILE"
    about = {"pathSuffix": name, "type": kind, "length": os.path.getsize(local), "blockSize": 128 << 20}
    return about | {"accessTime": 0, "modificationTime": 0, "replication": 1, "owner": "o", "group": "g", "permission": "755"}


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
