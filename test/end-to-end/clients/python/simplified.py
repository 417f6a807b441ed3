"""comfy-api-simplified: no path, no key but by Basic. It connects after it has queued, and ends when the queue is empty."""

import sys
import tempfile
from pathlib import Path

from comfy_api_simplified import ComfyApiWrapper, ComfyWorkflowWrapper

from talk import decoded, encoded, ids, serve


class Remembering(ComfyApiWrapper):
    """It does not say which prompt its pictures are of."""

    def queue_prompt(self, *arguments):
        answer = super().queue_prompt(*arguments)
        self.newest = answer["prompt_id"]
        return answer


class Simplified:
    def __init__(self, url):
        self.api = Remembering(url)

    def upload(self, picture, name):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / name
            file.write_bytes(decoded(picture))
            uploaded = self.api.upload_image(file)
        return f"{uploaded['subfolder']}/{uploaded['name']}"

    def run(self, graph):
        titled = {number: {**node, "_meta": {"title": node["class_type"]}} for number, node in graph.items()}
        pictures = self.api.queue_and_wait_images(ComfyWorkflowWrapper(titled), "SaveImage")
        return {"id": self.api.newest, "steps": None, "pictures": encoded(pictures.values())}

    def start(self, graph):
        return self.api.queue_prompt(graph)["prompt_id"]

    def wait(self, prompt_id):
        while prompt_id in self.queue():
            pass

    def interrupt(self):
        self.api.interrupt()

    def running(self):
        return ids(self.api.get_queue()["queue_running"])

    def queue(self):
        queue = self.api.get_queue()
        return ids(queue["queue_running"] + queue["queue_pending"])

    def history(self, prompt_id):
        return self.api.get_history(prompt_id)[prompt_id]

    def node_info(self, name):
        return self.api.get_object_info(name)[name]


serve(Simplified(*sys.argv[1:]))
