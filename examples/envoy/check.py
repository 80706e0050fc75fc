"""What clients see of a model server behind Envoy and weir, in every mode of the ext_proc filter.

WEIR, ENVOY and WORK are two programs and a folder to write to. Each class starts all three servers;
Envoy reads envoy.yaml with other ports and, but for the first class, another processing_mode.
"""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

import openai
import trustme

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
MESSAGES = [{"role": "user", "content": "hello"}]
CLEAN = "some clean words and then "


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=10) as r:
        return r.read()


class Rig(unittest.TestCase):
    """A fake model server, weir and Envoy."""
    request = answer = "NONE"  # the filter's modes of bodies
    override = True
    buffer = 16777216
    allow = False  # failure_mode_allow
    tls = None  # whose certificate Envoy shows weir; without one they speak in the clear
    streams = True  # text comes before the upstream's end
    stops = True  # a halt stops the upstream

    @classmethod
    def setUpClass(cls):
        if cls is Rig:
            raise unittest.SkipTest("not a mode")
        cls.processes = []
        cls.addClassCleanup(cls.end)
        work = pathlib.Path(os.environ["WORK"])
        upstream = cls.start([sys.executable, str(ROOT / "scripts/clients/upstream.py")], stdout=subprocess.PIPE, text=True)
        cls.upstream = "http://127.0.0.1:%d" % int(upstream.stdout.readline())
        cls.addClassCleanup(upstream.stdout.close)
        envoy, weir, admin = free_port(), free_port(), free_port()
        cls.port, cls.admin = envoy, "http://127.0.0.1:%d" % admin
        y = (HERE / "envoy.yaml").read_text()
        more = ""
        if "FULL_DUPLEX_STREAMED" in (cls.request, cls.answer):
            more = "".join("\n" + " " * 24 + line for line in ("request_trailer_mode: SEND", "response_trailer_mode: SEND"))
        for old, new in [("port_value: 8000", "port_value: " + cls.upstream.rsplit(":")[-1]), ("port_value: 10000", "port_value: %d" % envoy),
                         ("port_value: 7445", "port_value: %d" % weir), ("port_value: 9901", "port_value: %d" % admin), ("16777216", str(cls.buffer)),
                         ("failure_mode_allow: false", "failure_mode_allow: " + str(cls.allow).lower()),
                         ("allow_mode_override: true", "allow_mode_override: " + str(cls.override).lower()),
                         ("request_body_mode: NONE", "request_body_mode: " + cls.request), ("response_body_mode: NONE", "response_body_mode: " + cls.answer + more)]:
            assert y.count(old) == 1, old
            y = y.replace(old, new)
        conf = {"stall_timeout": "1s"}
        if cls.tls:
            authority, other = trustme.CA(), trustme.CA()
            authority.cert_pem.write_to_path(work / "ca.crt")
            for name, issuer in [("weir", authority), ("envoy", authority), ("stranger", other)]:
                cert = issuer.issue_cert("127.0.0.1")
                cert.private_key_pem.write_to_path(work / (name + ".key"))
                cert.cert_chain_pems[0].write_to_path(work / (name + ".crt"))
            conf["tls"] = {"cert": str(work / "weir.crt"), "key": str(work / "weir.key"), "client_ca": str(work / "ca.crt")}
            old = "    - name: weir\n"
            assert y.count(old) == 1
            y = y.replace(old, old + "      transport_socket: " + json.dumps({"name": "envoy.transport_sockets.tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "common_tls_context": {
                    "tls_certificates": [{"certificate_chain": {"filename": str(work / (cls.tls + ".crt"))}, "private_key": {"filename": str(work / (cls.tls + ".key"))}}],
                    "validation_context": {"trusted_ca": {"filename": str(work / "ca.crt")}}}}}) + "\n")
        config = work / "envoy.yaml"
        config.write_text(y)
        cls.log = work / "weir.log"
        (work / "weir.yaml").write_text(json.dumps({"ext_proc": conf}))  # JSON is YAML
        with open(cls.log, "w") as log, open(work / "envoy.log", "w") as envoy_log:
            cls.weir = cls.start([os.environ["WEIR"], "serve", "--config", str(work / "weir.yaml"), "--listen", "-", "--admin", "-", "--ext-proc", "127.0.0.1:%d" % weir, "--log-level", "debug",
                                  "--policy", str(ROOT / "engine/testdata/base.yaml")], stderr=log)
            cls.start([os.environ["ENVOY"], "-c", str(config), "--concurrency", "1", "--base-id", str(envoy % 30000), "--log-level", "warning"], stderr=envoy_log)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", weir)).close()
                get("http://127.0.0.1:%d/v1/models" % envoy)
                break
            except OSError as e:
                if cls.tls == "stranger" and isinstance(e, urllib.error.HTTPError):
                    break
                time.sleep(0.05)
        else:
            raise AssertionError((work / "envoy.log").read_text() + cls.log.read_text())
        cls.client = openai.OpenAI(base_url="http://127.0.0.1:%d/v1" % envoy, api_key="my-key", max_retries=0)
        cls.addClassCleanup(cls.client.close)

    @classmethod
    def start(cls, *args, **kwargs):
        p = subprocess.Popen(*args, **kwargs)
        cls.processes.append(p)
        return p

    @classmethod
    def end(cls):
        for p in cls.processes:
            p.send_signal(signal.SIGTERM)
        for p in cls.processes:
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()

    def record(self):
        return json.loads(get(self.upstream + "/record"))

    def ended(self, before):
        """Waits until the upstream's answer has ended or been cancelled."""
        began = time.monotonic()
        while True:
            now = self.record()
            if now["cancelled"] > before["cancelled"] or now["finished"] > before["finished"]:
                return now
            self.assertLess(time.monotonic() - began, 5, "the upstream's answer neither ends nor is cancelled")
            time.sleep(0.005)

    def chat(self, model, **more):
        """Returns text and finish reasons by index, and when the first and the last chunk came."""
        text, finish, times = {}, {}, []
        began = time.monotonic()
        for c in self.client.chat.completions.create(model=model, messages=MESSAGES, stream=True, **more):
            times.append(time.monotonic() - began)
            for choice in c.choices:
                text[choice.index] = text.get(choice.index, "") + (choice.delta.content or "")
                finish[choice.index] = choice.finish_reason or finish.get(choice.index)
        return text, finish, times

    def messages_sent(self):
        """How many messages the filter has sent to weir."""
        stats = json.loads(get(self.admin + "/stats?format=json&filter=ext_proc.stream_msgs_sent"))["stats"]
        return sum(s["value"] for s in stats)


class Modes:
    """What holds in every mode."""

    def test_plain(self):
        text, finish, times = self.chat("plain")
        self.assertEqual((text[0], finish[0]), ("a clean answer of some words ", "stop"))
        self.assertEqual(times[-1] - times[0] > 0.1, self.streams)

    def test_halt(self):
        before = self.record()
        text, finish, _ = self.chat("halt")
        self.assertEqual((text[0], finish[0]), (CLEAN, "content_filter"))
        began = time.monotonic()
        now = self.ended(before)
        took = time.monotonic() - began
        self.assertEqual(now["cancelled"] - before["cancelled"], int(self.stops))
        if self.stops:
            print(f"{type(self).__name__}: the upstream saw its request cancelled {took * 1000:.0f} ms after the client had the end (it writes every 20 ms)")

    def test_halt_at_first_token(self):
        text, finish, _ = self.chat("first")
        self.assertEqual((text[0], finish[0]), ("", "content_filter"))

    def test_redaction(self):
        text, finish, _ = self.chat("redact")
        self.assertEqual((text[0], finish[0]), ("call [cn_mobile] or *** today ", "stop"))

    def test_two_choices(self):
        text, finish, _ = self.chat("two", n=2)
        self.assertEqual((text, finish), ({0: "a clean answer of some words ", 1: CLEAN}, {0: "stop", 1: "content_filter"}))

    def test_whole(self):
        for model, text, finish in [("plain", "a clean answer of some words", "stop"), ("halt", CLEAN, "content_filter"), ("redact", "call [cn_mobile] or *** today", "stop")]:
            c = self.client.chat.completions.create(model=model, messages=MESSAGES)
            self.assertEqual((c.choices[0].message.content, c.choices[0].finish_reason), (text, finish))

    def test_responses(self):
        with self.client.responses.stream(model="halt", input="hello") as stream:
            last = list(stream)[-1].response
        self.assertEqual((last.status, last.incomplete_details.reason, last.output_text), ("incomplete", "content_filter", CLEAN))

    def test_blocked_prompt(self):
        before = len(self.record()["keys"])
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.chat.completions.create(model="plain", messages=[{"role": "user", "content": "how to zzbomb"}])
        self.assertEqual(caught.exception.code, "content_filter")
        self.assertEqual(len(self.record()["keys"]), before, "the upstream was asked")

    def test_broken_answer(self):
        before = self.record()
        self.addCleanup(self.ended, before)
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        self.addCleanup(c.close)
        c.request("POST", "/v1/chat/completions", json.dumps({"model": "broken", "stream": True, "messages": MESSAGES}), {"Content-Type": "application/json"})
        r = c.getresponse()
        if not self.streams:
            self.assertEqual(r.status, 502)
            self.assertIn(b"no JSON object", r.read())
            return
        with self.assertRaises(http.client.IncompleteRead) as caught:
            r.read()
        body = caught.exception.partial
        self.assertIn(b"fine", body)
        self.assertIn(b"no JSON object", body)
        self.assertNotIn(b"zzb", body)

    def test_client_leaves(self):
        if not self.streams:
            return  # there is nothing to leave
        before = self.record()
        stream = self.client.chat.completions.create(model="plain", messages=MESSAGES, stream=True)
        next(iter(stream))
        stream.close()
        self.assertEqual(self.ended(before)["cancelled"] - before["cancelled"], 1)
        self.assertIn("route=chat outcome=gone", self.log.read_text())

    def test_stall(self):
        if not self.streams:
            return  # Envoy waits
        before, began = self.record(), time.monotonic()
        with self.assertRaises(openai.APIError) as caught:
            self.chat("stall")
        self.assertLess(time.monotonic() - began, 2.5)
        if self.answer != "STREAMED":  # there Envoy takes nothing more before the end
            self.assertIn("stall_timeout", str(caught.exception))
        self.ended(before)

    def test_moderations(self):
        self.assertTrue(self.client.moderations.create(input="zzbomb").results[0].flagged)

    def test_untouched(self):
        before = self.messages_sent()
        self.assertEqual(self.client.models.list().data[0].id, "plain")
        sent = self.messages_sent() - before
        if self.override:
            self.assertEqual(sent, 1, "weir sees the headers of a request that it does not guard, and nothing more")

    def test_z_no_secrets_logged(self):
        log = self.log.read_text()
        self.assertIn("route=chat outcome=halted", log)
        self.assertNotIn("my-key", log)
        self.assertNotIn("zzbomb", log)


class Override(Modes, Rig):
    """envoy.yaml as it is."""


class FullDuplexStreamed(Modes, Rig):
    request = answer = "FULL_DUPLEX_STREAMED"
    override = False


class BufferedAndFullDuplexStreamed(Modes, Rig):
    request, answer = "BUFFERED", "FULL_DUPLEX_STREAMED"
    override = False


class Buffered(Modes, Rig):
    request = answer = "BUFFERED"
    streams = stops = False


class BufferedPartial(Modes, Rig):
    request = answer = "BUFFERED_PARTIAL"
    streams = stops = False


class Streamed(Modes, Rig):
    request = answer = "STREAMED"
    stops = False

    def test_halt(self):
        """The client has its end at once, but the upstream goes on for as long as the client keeps its connection."""
        before = self.record()
        with urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:%d/v1/chat/completions" % self.port,
                                                           json.dumps({"model": "halt", "stream": True, "messages": MESSAGES}).encode())) as r:
            began = time.monotonic()
            while r.readline() != b"data: [DONE]\n":
                self.assertLess(time.monotonic() - began, 5)
            done = time.monotonic()
            self.assertEqual(r.read().strip(), b"")
            self.assertGreater(time.monotonic() - done, 0.05)
        now = self.ended(before)
        self.assertEqual((now["finished"] - before["finished"], now["cancelled"] - before["cancelled"]), (1, 0))
        self.assertEqual(self.chat("halt")[:2], ({0: CLEAN}, {0: "content_filter"}))
        now = self.ended(now)  # openai's client closes the connection after [DONE]
        self.assertEqual(now["cancelled"] - before["cancelled"], 1)


class SmallBuffer(Rig):
    """What is longer than Envoy's buffer."""
    request = answer = "BUFFERED_PARTIAL"
    buffer = 3000

    def test_long(self):
        with self.assertRaises(openai.APIStatusError) as caught:
            self.client.chat.completions.create(model="plain", messages=[{"role": "user", "content": "long " * 10000}])
        self.assertEqual(caught.exception.status_code, 413)


class SmallBufferOverride(Rig):
    buffer = 3000

    def test_long(self):
        with self.assertRaises(openai.APIStatusError) as caught:
            self.client.chat.completions.create(model="plain", messages=[{"role": "user", "content": "long " * 10000}])
        self.assertEqual(caught.exception.status_code, 413)
        self.assertIn("per_connection_buffer_limit_bytes", str(caught.exception))


class NotAllowed(Rig):
    """A filter that heeds no override: nothing is shown unjudged."""
    override = False

    def test_refused(self):
        with self.assertRaises(openai.InternalServerError) as caught:
            self.chat("halt")
        self.assertIn("allow_mode_override", str(caught.exception))


class NoGuard(Rig):
    """When weir is gone, so are answers of models."""

    def test_fails_closed(self):
        self.chat("plain")
        self.weir.terminate()
        self.weir.wait(10)
        before = len(self.record()["keys"])
        with self.assertRaises(openai.InternalServerError):
            self.chat("plain")
        self.assertEqual(len(self.record()["keys"]), before, "the upstream was asked")


class DiesInAnswer(Rig):
    """When weir goes in the middle of an answer, the answer ends."""

    def test_dies(self):
        before = self.record()
        stream = self.client.chat.completions.create(model="plain", messages=MESSAGES, stream=True)
        with self.assertRaises(openai.APIError):
            for c in stream:
                self.assertFalse([x for x in c.choices if x.finish_reason], "the answer went on to its end")
                self.weir.kill()
        self.ended(before)


class DiesInAnswerStreamed(DiesInAnswer):
    request = answer = "STREAMED"
    override = False


class DiesInAnswerAllowed(DiesInAnswer):
    """In FULL_DUPLEX_STREAMED failure_mode_allow does not change that; in other modes it does."""
    allow = True


class Allowed(Rig):
    """failure_mode_allow is for those who would rather show what nobody has judged."""
    allow = True

    def test_allowed(self):
        self.assertEqual(self.chat("halt")[:2], ({0: CLEAN}, {0: "content_filter"}))
        self.weir.terminate()
        self.weir.wait(10)
        text, finish, _ = self.chat("halt")
        self.assertEqual(finish[0], "stop")
        self.assertGreater(len(text[0]), len(CLEAN))


class Tls(Modes, Rig):
    """Between Envoy and weir TLS, and each knows the other."""
    tls = "envoy"


class Stranger(Rig):
    """An Envoy that shows a certificate of another authority gets nothing judged, and so nothing."""
    tls = "stranger"

    def test_refused(self):
        before = len(self.record()["keys"])
        with self.assertRaises(openai.InternalServerError):
            self.chat("plain")
        self.assertEqual(len(self.record()["keys"]), before, "the upstream was asked")


del Modes
unittest.main()
