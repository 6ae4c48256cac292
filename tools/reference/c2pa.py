"""Fixtures of tests/provenance/test_c2pa*.c: small pictures signed by c2pa-python (the library behind c2patool), and what
its Reader tells about each.

    python tools/reference/c2pa.py             writes tests/provenance/fixtures/c2pa/*, fuzz/corpus/{c2pa,jumbf,cbor,cose}

NAME.EXT is the picture, NAME.EXT.json the Reader's JSON with what becomes of it when one byte is changed ("flips": offset
and validation state). root.pem is the list of trust that the certificates lead to, other.pem one that they do not.
Needs c2pa-python, cryptography, numpy, pillow (with AVIF) and the openssl command (a time stamp authority on localhost).
"""
import ctypes
import datetime
import http.server
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]
import c2pa  # noqa: E402  (not this file)
import numpy as np  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier  # noqa: E402
from PIL import Image  # noqa: E402

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests")
FOLDER = os.path.join(TESTS, "provenance/fixtures/c2pa")
SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
MIME = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "avif": "image/avif", "heic": "image/heic",
        "tif": "image/tiff"}
BEGIN, END = datetime.datetime(2020, 1, 1), datetime.datetime(2090, 1, 1)
FLIPS = 40


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def name(common, organization="Assay Tests"):
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "XX"),
                      x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
                      x509.NameAttribute(NameOID.COMMON_NAME, common)])


def certificate(subject, key, issuer, issuer_key, usage=None, ca=False, end=END):
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(BEGIN).not_valid_after(end)
               .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
               .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), critical=True)
               .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
                              critical=False))
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(item):
    if isinstance(item, x509.Certificate):
        return item.public_bytes(serialization.Encoding.PEM).decode()
    return item.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption()).decode()


class Authority:
    """A root, an intermediate, signers of every algorithm, and a time stamp authority that listens on localhost."""

    def __init__(self):
        self.root_key, self.middle_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.root = certificate(name("Assay Test Root"), self.root_key, name("Assay Test Root"), self.root_key, ca=True)
        self.middle = certificate(name("Assay Test Intermediate"), self.middle_key, self.root.subject, self.root_key,
                                  ca=True)
        other = ec.generate_private_key(ec.SECP256R1())
        self.other = certificate(name("Another Root"), other, name("Another Root"), other, ca=True)
        self.keys = {"es256": ec.generate_private_key(ec.SECP256R1()), "es384": ec.generate_private_key(ec.SECP384R1()),
                     "es512": ec.generate_private_key(ec.SECP521R1()),
                     "ps256": rsa.generate_private_key(65537, 2048), "ps384": rsa.generate_private_key(65537, 2048),
                     "ps512": rsa.generate_private_key(65537, 2048), "ed25519": ed25519.Ed25519PrivateKey.generate()}
        self.stamp_key = rsa.generate_private_key(65537, 2048)
        self.stamp = certificate(name("Assay Test Clock"), self.stamp_key, self.root.subject, self.root_key,
                                 ExtendedKeyUsageOID.TIME_STAMPING)
        self.folder = tempfile.TemporaryDirectory()
        self.write("tsa.pem", pem(self.stamp))
        self.write("tsa.key", pem(self.stamp_key))
        self.write("root.pem", pem(self.root))
        self.write("serial", "01\n")
        self.write("tsa.cnf", """[tsa]\ndefault_tsa = one\n[one]\nserial = %(d)s/serial\nsigner_cert = %(d)s/tsa.pem
signer_key = %(d)s/tsa.key\ncerts = %(d)s/root.pem\nsigner_digest = sha256\ndefault_policy = 1.2.3.4
digests = sha256, sha384, sha512\naccuracy = secs:1\nordering = no\ntsa_name = no\ness_cert_id_chain = no\n"""
                   % {"d": self.folder.name})
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                request = self.rfile.read(int(self.headers["Content-Length"]))
                authority.write("request", request)
                path = authority.folder.name
                subprocess.run(["openssl", "ts", "-reply", "-config", path + "/tsa.cnf", "-section", "one", "-queryfile",
                                path + "/request", "-out", path + "/reply"], check=True, stderr=subprocess.DEVNULL)
                reply = open(path + "/reply", "rb").read()
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def write(self, file, text):
        with open(os.path.join(self.folder.name, file), "wb") as out:
            out.write(text.encode() if isinstance(text, str) else text)

    def signer(self, alg, stamped=False, common="Assay Test Signer", end=END):
        key = self.keys[alg]
        leaf = certificate(name(common), key, self.middle.subject, self.middle_key,
                           ObjectIdentifier("1.3.6.1.5.5.7.3.4"), end=end)
        url = "http://127.0.0.1:%d" % self.server.server_port if stamped else None
        chain = pem(leaf) + pem(self.middle)
        return c2pa.Signer.from_info(c2pa.C2paSignerInfo(alg, chain.encode(), pem(key).encode(), url))


def picture(extension, seed=1, size=(24, 16)):
    """A small picture's bytes."""
    if extension == "heic":
        return open(os.path.join(TESTS, "image/fixtures/lossless.heic"), "rb").read()  # Pillow writes none
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[0:size[1], 0:size[0]]
    planes = [128 + 100 * np.cos(draw.uniform(0, .5) * x + draw.uniform(0, .5) * y) for _ in range(3)]
    image = Image.fromarray(np.stack(planes, 2).astype(np.uint8))
    out = io.BytesIO()
    image.save(out, {"jpg": "JPEG", "tif": "TIFF"}.get(extension, extension.upper()))
    return out.getvalue()


def settings(thumbnail=False, boxes=False):
    return {"builder": {"thumbnail": {"enabled": thumbnail, "long_edge": 16, "format": "jpeg", "quality": "low"},
                        "prefer_box_hash": boxes}, "verify": {"verify_after_sign": False}}


def sign(manifest, extension, source, signer, ingredients=(), intent=None, **options):
    """The signed picture's bytes."""
    context = c2pa.Context.from_dict(settings(**options))
    builder = c2pa.Builder(manifest, context)
    if intent is not None:
        builder.set_intent(intent)
    for facts, kind, data in ingredients:
        builder.add_ingredient(facts, MIME[kind], io.BytesIO(data))
    out = io.BytesIO()
    builder.sign(signer, MIME[extension], io.BytesIO(source), out)
    return out.getvalue()


def sign_boxes(manifest, extension, source, signer):
    """The same with c2pa.hash.boxes, for which the Python package has no calls of its own."""
    kind = MIME[extension].encode()
    context = c2pa.Context(settings=c2pa.Settings.from_dict(settings(boxes=True)), signer=signer)
    builder = c2pa.Builder(manifest, context)
    library, stream = c2pa.c2pa._lib, c2pa.Stream(io.BytesIO(source))
    library.c2pa_builder_sign_embeddable.restype = ctypes.c_int64
    library.c2pa_builder_sign_embeddable.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    library.c2pa_builder_update_hash_from_stream.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    block = ctypes.POINTER(ctypes.c_ubyte)()
    assert library.c2pa_builder_update_hash_from_stream(builder._handle, kind, stream._stream) == 0
    size = library.c2pa_builder_sign_embeddable(builder._handle, kind, ctypes.byref(block))
    assert size > 0, size
    # where the library takes it to lie: behind APP0, or behind IHDR
    at = 4 + int.from_bytes(source[4:6], "big") if extension == "jpg" else 33
    return source[:at] + bytes(block[:size]) + source[at:]


def read(extension, data, trust=None):
    config = {"verify": {"verify_trust": trust is not None, "verify_timestamp_trust": trust is not None}}
    if trust:
        config["trust"] = {"trust_anchors": trust}
    reader = c2pa.Reader(MIME[extension], io.BytesIO(data), context=c2pa.Context.from_dict(config))
    return json.loads(reader.json())


def state(extension, data):
    try:
        return read(extension, data)["validation_state"]
    except c2pa.C2paError:
        return "error"


def save(file, data, trust):
    extension = file.rsplit(".", 1)[1]
    facts = read(extension, data)
    facts["trusted_state"] = read(extension, data, trust)["validation_state"]
    draw = random.Random(file)
    facts["flips"] = []
    for offset in sorted(draw.sample(range(len(data)), FLIPS)):
        changed = data[:offset] + bytes([data[offset] ^ 0x10]) + data[offset + 1:]
        facts["flips"].append([offset, state(extension, changed)])
    for manifest in facts["manifests"].values():
        manifest.pop("thumbnail", None)
    with open(os.path.join(FOLDER, file), "wb") as out:
        out.write(data)
    with open(os.path.join(FOLDER, file + ".json"), "w") as out:
        json.dump(facts, out, separators=(",", ":"), sort_keys=True)
        out.write("\n")
    print(file, len(data), facts["validation_state"], facts["trusted_state"])


def created(source, agent="Assay Test Generator", **more):
    return {"label": "c2pa.actions", "data": {"actions": [dict(
        {"action": "c2pa.created", "digitalSourceType": SOURCE + source, "softwareAgent": {"name": agent, "version": "1.0"},
         "when": "2025-03-04T05:06:07Z"}, **more)]}}


def definition(title, extension, assertions, **more):
    return dict({"claim_generator_info": [{"name": "assay-fixtures", "version": "0.1"}], "title": title,
                 "format": MIME[extension], "assertions": assertions}, **more)


def boxes(data):
    """The boxes in some bytes: (type, content)."""
    while len(data) >= 8:
        size = int.from_bytes(data[:4], "big")
        yield data[4:8], data[8:size]
        data = data[size:]


def seed(target, file, data):
    folder = os.path.join(TESTS, "../fuzz/corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, file), "wb") as out:
        out.write(data)


def seeds(made):
    """What fuzzing starts from: pictures, their stores, and what lies in those."""
    for file in ["generated.jpg", "generated.png", "generated.webp", "generated.avif", "generated.tif", "boxes.jpg",
                 "boxes.png", "update.jpg", "redacted.jpg"]:
        seed("c2pa", file, made[file])
    for file in ["generated.png", "boxes.png"]:
        store = next(data for kind, data in chunks(made[file]) if kind == b"caBX")
        seed("c2pa", file + ".store", store)
        seed("jumbf", file, store)
    store = next(data for kind, data in chunks(made["nested.png"]) if kind == b"caBX")
    for number, manifest in enumerate(list(boxes(store[8:]))[1:]):
        parts = dict((label(data), data) for kind, data in boxes(manifest[1]) if kind == b"jumb")
        seed("cose", "signature-%d" % number, content(parts["c2pa.signature"]))
        claim = "c2pa.claim.v2" if "c2pa.claim.v2" in parts else "c2pa.claim"
        seed("cbor", "claim-%d" % number, content(parts[claim]))
        for kind, data in boxes(parts["c2pa.assertions"]):
            if kind == b"jumb" and "hash.data" not in label(data) and content(data):
                seed("cbor", "%s-%d" % (label(data), number), content(data))
    seed("cose", "list.pem", open(os.path.join(FOLDER, "root.pem"), "rb").read())
    lies()


def lies():
    """What nobody honest writes."""
    for number, text in enumerate(["9bffffffffffffffff00", "bb800000000000000000", "5bffffffffffffffff00", "5f6161ff", "bf01ff",
                                   "82c1d81fff", "5f4101420203ff", "7f61c3ffff", "81" * 64, "c1" * 64, "9f" * 64]):
        seed("cbor", "lie-%d" % number, bytes.fromhex(text))
    inner = b""
    uuid = bytes.fromhex("6332706100110010800000aa00389b71") + b"\3c2pa\0"
    for _ in range(24):
        inner = b"%sjumd%s%s" % ((8 + len(uuid)).to_bytes(4, "big"), uuid, inner)
        inner = b"%sjumb%s" % ((8 + len(inner)).to_bytes(4, "big"), inner)
    seed("jumbf", "deep", inner)
    seed("c2pa", "deep", inner)
    seed("jumbf", "length", b"\xff\xff\xff\xff" + inner[4:])
    seed("jumbf", "long-length", b"\0\0\0\1jumb" + b"\xff" * 8 + inner[8:])
    seed("jumbf", "to-the-end", b"\0\0\0\0" + inner[4:])
    seed("cose", "empty", bytes.fromhex("d28441a0a0f640"))
    seed("cose", "payload", bytes.fromhex("d28443a10126a0416140"))
    seed("cose", "chains", bytes.fromhex("d28449a201261821" "81413041" "30a1182141" "30f640"))


def chunks(png):
    at = 8
    while at < len(png):
        size = int.from_bytes(png[at:at + 4], "big")
        yield png[at + 4:at + 8], png[at + 8:at + 8 + size]
        at += 12 + size


def label(superbox):
    description = next(boxes(superbox))[1]
    return description[17:].split(b"\0")[0].decode()


def content(superbox):
    """The CBOR in a superbox."""
    return next((data for kind, data in boxes(superbox) if kind == b"cbor"), None)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    authority = Authority()
    trust = pem(authority.root)
    open(os.path.join(FOLDER, "root.pem"), "w").write(trust)
    open(os.path.join(FOLDER, "other.pem"), "w").write(pem(authority.other))

    made = {}
    soon = now() + datetime.timedelta(seconds=8)  # a certificate must be valid when it signs
    made["expired.jpg"] = sign(definition("Expired", "jpg", [created("algorithmicMedia")]), "jpg", picture("jpg", 8),
                               authority.signer("es256", common="Assay Expired Signer", end=soon))
    generated = created("trainedAlgorithmicMedia", parameters={"prompt": "a lighthouse in fog", "seed": 42, "steps": 30})
    for file, alg in [("generated.jpg", "es256"), ("generated.png", "ps256"), ("generated.webp", "ed25519"),
                      ("generated.avif", "es384"), ("generated.heic", "ps384"), ("generated.tif", "es512")]:
        extension = file.rsplit(".", 1)[1]
        made[file] = sign(definition("A lighthouse", extension, [generated]), extension, picture(extension),
                          authority.signer(alg))
        save(file, made[file], trust)

    capture = created("digitalCapture", "Assay Test Camera")
    made["capture.jpg"] = sign(definition("DSC_0001.jpg", "jpg", [capture], claim_version=1, vendor="assay"), "jpg",
                               picture("jpg", 2), authority.signer("ps512", stamped=True, common="Assay Test Camera"))
    save("capture.jpg", made["capture.jpg"], trust)

    work = {"label": "stds.schema-org.CreativeWork", "kind": "Json",
            "data": {"@context": "https://schema.org", "@type": "CreativeWork",
                     "author": [{"@type": "Person", "name": "Zo\u00eb \u8d75 \U0001f4f7"}]}}
    odd = {"label": "org.assay.test", "data": {"nothing": None, "yes": True, "no": False, "half": 0.5, "big": 1 << 40,
                                               "minus": -7, "list": [1, [2, [3, {"deep": []}]]], "empty": {}}}
    edit = {"label": "c2pa.actions", "data": {"actions": [
        {"action": "c2pa.opened", "parameters": {"ingredientIds": ["camera"]}},
        {"action": "c2pa.placed", "parameters": {"ingredientIds": ["plain"]}, "when": "2025-05-06T07:08:09Z"},
        {"action": "c2pa.edited", "digitalSourceType": SOURCE + "compositeWithTrainedAlgorithmicMedia",
         "description": "Generative fill", "softwareAgent": {"name": "Assay Test Editor"}}]}}
    made["edited.jpg"] = sign(
        definition("Edited", "jpg", [edit, work, odd]), "jpg", picture("jpg", 3),
        authority.signer("es256", stamped=True, common="Assay Test Editor"),
        [({"title": "DSC_0001.jpg", "relationship": "parentOf", "label": "camera"}, "jpg", made["capture.jpg"]),
         ({"title": "plain.png", "relationship": "componentOf", "label": "plain"}, "png", picture("png", 4))])
    save("edited.jpg", made["edited.jpg"], trust)

    fill = {"label": "c2pa.actions", "data": {"actions": [
        {"action": "c2pa.opened", "parameters": {"ingredientIds": ["one"]}},
        {"action": "c2pa.placed", "parameters": {"ingredientIds": ["two"]}}]}}
    made["nested.png"] = sign(
        definition("Nested", "png", [fill]), "png", picture("png", 5), authority.signer("ed25519"),
        [({"title": "edited.jpg", "relationship": "parentOf", "label": "one"}, "jpg", made["edited.jpg"]),
         ({"title": "generated.png", "relationship": "componentOf", "label": "two"}, "png", made["generated.png"])])
    save("nested.png", made["nested.png"], trust)

    for file in ["boxes.jpg", "boxes.png"]:
        extension = file.rsplit(".", 1)[1]
        made[file] = sign_boxes(definition("Boxes", extension, [generated]), extension, picture(extension, 6),
                                authority.signer("es256"))
        save(file, made[file], trust)

    private = sign(definition("Private", "jpg", [capture, work]), "jpg", picture("jpg", 9), authority.signer("es256"))
    taken = "self#jumbf=/c2pa/%s/c2pa.assertions/stds.schema-org.CreativeWork" % read("jpg", private)["active_manifest"]
    without = {"label": "c2pa.actions", "data": {"actions": [
        {"action": "c2pa.opened", "parameters": {"ingredientIds": ["private"]}},
        {"action": "c2pa.redacted", "reason": "c2pa.PII.present", "parameters": {"redacted": taken}}]}}
    made["redacted.jpg"] = sign(definition("Redacted", "jpg", [without], redactions=[taken]), "jpg", picture("jpg", 10),
                                authority.signer("es384"),
                                [({"title": "private.jpg", "relationship": "parentOf", "label": "private"}, "jpg", private)])
    save("redacted.jpg", made["redacted.jpg"], trust)

    made["update.jpg"] = sign({"claim_generator_info": [{"name": "assay-fixtures"}], "title": "Update"}, "jpg",
                              made["generated.jpg"], authority.signer("es256"), intent=c2pa.C2paBuilderIntent.UPDATE)
    save("update.jpg", made["update.jpg"], trust)

    made["sha512.jpg"] = sign(definition("Thumbnail", "jpg", [capture], alg="sha512"), "jpg",
                              picture("jpg", 7, (40, 24)), authority.signer("es256"), thumbnail=True)
    save("sha512.jpg", made["sha512.jpg"], trust)

    whole = made["generated.jpg"]
    save("broken.jpg", whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:], trust)

    time.sleep(max(0, (soon - now()).total_seconds() + 2))
    save("expired.jpg", made["expired.jpg"], trust)
    seeds(made)


if __name__ == "__main__":
    main()
