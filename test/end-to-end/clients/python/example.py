"""A client in the way of the example that comes with ComfyUI: requests for what is asked, a socket for what happens."""

import json
import sys
import uuid

import requests
import websocket

from talk import decoded, encoded, ids, serve


class Example:
    def __init__(self, url, key=None):
        self.url = url
        self.client_id = uuid.uuid4().hex
        self.http = requests.Session()
        headers = []
        if key:
            self.http.headers["Authorization"] = f"Bearer {key}"
            headers = [f"Authorization: Bearer {key}"]
        self.socket = websocket.WebSocket()
        self.socket.connect(f"{url.replace('http', 'ws', 1)}/ws?clientId={self.client_id}", header=headers)

    def get(self, path, **query):
        answer = self.http.get(self.url + path, params=query)
        answer.raise_for_status()
        return answer

    def post(self, path, **body):
        answer = self.http.post(self.url + path, **body)
        answer.raise_for_status()
        return answer

    def messages(self, prompt_id):
        """What the socket tells of the prompt until nothing of it runs any more; previews are bytes."""
        while True:
            received = self.socket.recv()
            if not isinstance(received, str):
                continue
            message = json.loads(received)
            data = message["data"]
            if data.get("prompt_id") != prompt_id:
                continue
            if message["type"] == "executing" and data["node"] is None:
                return
            yield message

    def upload(self, picture, name):
        return self.post("/upload/image", files={"image": (name, decoded(picture))}).json()["name"]

    def start(self, graph):
        return self.post("/prompt", json={"prompt": graph, "client_id": self.client_id}).json()["prompt_id"]

    def wait(self, prompt_id):
        for _ in self.messages(prompt_id):
            pass

    def run(self, graph):
        prompt_id = self.start(graph)
        told = [message["data"]["value"] for message in self.messages(prompt_id) if message["type"] == "progress"]
        outputs = self.history(prompt_id)["outputs"].values()
        files = [file for output in outputs for file in output.get("images", [])]
        return {"id": prompt_id, "steps": told, "pictures": encoded(self.get("/view", **file).content for file in files)}

    def interrupt(self):
        self.post("/interrupt")

    def running(self):
        return ids(self.get("/queue").json()["queue_running"])

    def queue(self):
        queue = self.get("/queue").json()
        return ids(queue["queue_running"] + queue["queue_pending"])

    def history(self, prompt_id):
        return self.get(f"/history/{prompt_id}").json()[prompt_id]

    def node_info(self, name):
        return self.get(f"/object_info/{name}").json()[name]


serve(Example(*sys.argv[1:]))
