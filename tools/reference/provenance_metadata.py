"""Fixtures of tests/provenance/test_metadata.c: tiny pictures with metadata of every kind, written by exiftool, Pillow or by
hand, and what exiftool reads in them, under our names.

    python tools/reference/provenance_metadata.py    writes tests/provenance/fixtures/metadata/*, expected.txt

Needs pillow (with AVIF) and exiftool 12.57 or newer (Debian: libimage-exiftool-perl). Each line of expected.txt is
"FILE<tab>PATH<tab>VALUE": the path in our tree of facts. A tag that exiftool prints and that is in no table below stops the
script: nothing is left out unseen.
"""
import io
import json
import os
import re
import struct
import subprocess
import zlib

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/provenance/fixtures/metadata")
SRGB4 = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

# ---- how exiftool calls things ----------------------------------------------------------------------------------

GROUPS = {"IFD0": "exif/image", "IFD1": "exif/thumbnail", "ExifIFD": "exif/photo", "GPS": "exif/gps",
          "InteropIFD": "exif/interoperability", "IPTC": "iptc"}
PREFIXES = {"XMP-iptcExt": "Iptc4xmpExt", "XMP-iptcCore": "Iptc4xmpCore"}
NAMES = {
    "exif/image/ModifyDate": "DateTime", "exif/thumbnail/ModifyDate": "DateTime", "exif/image/ImageHeight": "ImageLength",
    "exif/thumbnail/ImageHeight": "ImageLength", "exif/photo/CreateDate": "DateTimeDigitized",
    "exif/photo/ExifImageWidth": "PixelXDimension", "exif/photo/ExifImageHeight": "PixelYDimension",
    "exif/photo/ExposureCompensation": "ExposureBiasValue", "exif/photo/LensInfo": "LensSpecification",
    "exif/photo/FocalLengthIn35mmFormat": "FocalLengthIn35mmFilm", "exif/photo/SerialNumber": "BodySerialNumber",
    "exif/photo/OwnerName": "CameraOwnerName", "exif/thumbnail/ThumbnailOffset": "JPEGInterchangeFormat",
    "exif/thumbnail/ThumbnailLength": "JPEGInterchangeFormatLength", "exif/gps/GPSLatitude": "", "exif/gps/GPSLongitude": "",
    "exif/photo/OffsetTimeDigitized": "OffsetTimeDigitized",
}
ICC = {"ProfileDescription": "description", "ProfileVersion": "version", "ProfileClass": "device_class",
       "ColorSpaceData": "color_space", "ProfileConnectionSpace": "connection_space", "ProfileCMMType": "program",
       "PrimaryPlatform": "platform", "DeviceManufacturer": "manufacturer", "DeviceModel": "model",
       "ProfileCreator": "creator", "ProfileDateTime": "date", "ProfileCopyright": "copyright"}
SAMPLING = {"1 1": "4:4:4", "2 1": "4:2:2", "2 2": "4:2:0", "1 2": "4:4:0", "4 1": "4:1:1", "4 2": "4:1:0"}
# Groups and tags that say nothing of the kinds here, or are the format's own.
LEFT_OUT = re.compile(
    r"^(SourceFile|ExifTool:|System:|PNG|JFIF:|RIFF:|Composite:|GIF:|QuickTime:|HEIC:|Meta:|XMP-x:XMPToolkit|File:(File|Image"
    r"|MIME|ExifByteOrder|Encoding|BitsPerSample|ColorComponents|CurrentIPTCDigest|Comment)|Track|IFD0:(StripOffsets"
    r"|StripByteCounts|RowsPerStrip|Photoshop|IPTC|SampleFormat|ExtraSamples|TileOffsets)|IFD1:(Thumbnail(Image|Offset)|StripOffsets)"
    r"|ICC_Profile:(MediaWhite|MediaBlack|Red|Green|Blue|Chromatic|ChannelDesc|Gray|Manufacturer|Model)"
    r"|ICC-header:(ProfileFileSignature|CMMFlags|DeviceAttributes|RenderingIntent|ConnectionSpaceIlluminant|ProfileID)"
    r"|ICC-chrm:|ICC-meas:|Photoshop:(IPTCDigest|.*Resolution|Displayed.*|Progressive|PhotoshopFormat|PhotoshopThumbnail)"
    r"|Adobe:|APP14:(DCTEncode|APP14Flags)|XMP-xmpNote:HasExtendedXMP|Ducky:(Comment|Copyright)"
    r"|GPS:GPSVersionID|PLUS)")


def flatten(path, value, out):
    if isinstance(value, dict):
        for key, part in value.items():
            flatten(path + "/" + key, part, out)
    elif isinstance(value, list):
        for i, part in enumerate(value):
            flatten(f"{path}/{i}", part, out)
    else:
        text = str(value)
        if re.match(r"\d{4}:\d\d:\d\d", text):  # exiftool writes dates of XMP as EXIF's
            text = text.replace(":", "-", 2).replace(" ", "T", 1)
        out.append((path, text))


def ours(key, value):
    """Our path for one of exiftool's tags, or None where it is left out."""
    group, name = key.split(":", 1) if ":" in key else ("", key)
    if group.startswith("ICC") and name in ICC:
        text = str(value).strip()
        if name in ("ProfileVersion",):
            text = f"{int(value) >> 8}.{int(value) >> 4 & 15}"
        return [("icc/" + ICC[name], text)] if text else []
    if key == "File:YCbCrSubSampling":
        return [("jpeg/subsampling", SAMPLING[value])]
    if key == "File:EncodingProcess":
        return [("jpeg/progressive", "yes" if value == 2 else "no")]
    if key == "Adobe:ColorTransform":
        return [("jpeg/adobe_transform", {0: "RGB or CMYK", 1: "YCbCr", 2: "YCCK"}[value])]
    if key == "Photoshop:PhotoshopQuality":
        return [("jpeg/photoshop_quality", str(value + 4))]
    if key == "Ducky:Quality":
        return [("jpeg/save_for_web_quality", str(value))]
    if key in ("Composite:GPSLatitude", "Composite:GPSLongitude"):
        return [("exif/gps/" + name[3:].lower(), str(value))]
    if key == "GPS:GPSTimeStamp":
        return [(f"exif/gps/{name}/{i}", str(int(part))) for i, part in enumerate(value.split(":"))]
    if LEFT_OUT.match(key):
        return []
    if group.startswith("XMP-"):
        prefix = PREFIXES.get(group, group[4:])
        out = []
        flatten(f"xmp/{prefix}:{name}", value, out)
        return out
    if group in GROUPS:
        path = GROUPS[group]
        name = NAMES.get(path + "/" + name, name)
        if not name:
            return []
        text = str(value)
        if path == "iptc":  # exiftool puts colons into dates, and spells out what an escape sequence means only without -n
            text = text.replace(":", "").rstrip() if name.startswith(("Date", "Time", "Digital")) else text.rstrip()
            text = "UTF-8" if text == "\x1b%G" else text
        if path.startswith("exif") and re.fullmatch(r"-?[\d.e-]+( -?[\d.e-]+|undef)+", text):
            return [(f"{path}/{name}/{i}", part) for i, part in enumerate(text.split())]
        if isinstance(value, list):
            return [(f"{path}/{name}/{i}", str(part)) for i, part in enumerate(value)]
        return [(f"{path}/{name}", text)]
    raise SystemExit(f"exiftool prints {key}, which is in no table")


# ---- pictures ---------------------------------------------------------------------------------------------------

def picture(width=48, height=32):
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x * 5 % 256, y * 7 % 256, (x + y) * 3 % 256], 2).astype(np.uint8))


def jpeg(**options):
    out = io.BytesIO()
    picture().save(out, "JPEG", **{"quality": 60, **options})
    return out.getvalue()


def png(**options):
    out = io.BytesIO()
    picture().save(out, "PNG", **options)
    return out.getvalue()


def write(name, data):
    path = os.path.join(FOLDER, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def exiftool(*arguments):
    subprocess.run(["exiftool", "-q", "-q", "-overwrite_original", *arguments], check=True)


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def after_start(data, *segments):
    return data[:2] + b"".join(segments) + data[2:]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def before_pixels(data, *chunks):
    at = data.index(b"IDAT") - 4
    return data[:at] + b"".join(chunks) + data[at:]


def xmp(body, head=""):
    return ('<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s</rdf:RDF></x:xmpmeta>'
            '<?xpacket end="w"?>' % body).encode()


NAMESPACES = " ".join('xmlns:%s="%s"' % pair for pair in {
    "dc": "http://purl.org/dc/elements/1.1/", "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/", "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#", "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "iptcExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmpNote": "http://ns.adobe.com/xmp/note/"}.items())


def description(body, attributes=""):
    return f'<rdf:Description rdf:about="" {NAMESPACES} {attributes}>{body}</rdf:Description>'


DECLARED = xmp(description(
    "<iptcExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    "</iptcExt:DigitalSourceType><photoshop:Credit>Made with Google AI</photoshop:Credit>"
    "<iptcExt:AISystemUsed>Imagen</iptcExt:AISystemUsed><iptcExt:AISystemVersionUsed>3</iptcExt:AISystemVersionUsed>"
    "<iptcExt:AIPromptInformation>a cat &amp; a hat, caf\u00e9</iptcExt:AIPromptInformation>"
    "<iptcExt:AIPromptWriterName>N. N.</iptcExt:AIPromptWriterName>",
    'xmp:CreatorTool="Some Tool 1.0" xmp:CreateDate="2024-05-01T10:20:30Z"'))

EVERY_SHAPE = xmp(description(
    '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">A title</rdf:li></rdf:Alt></dc:title>'
    "<dc:creator><rdf:Seq><rdf:li>First</rdf:li><rdf:li>Second</rdf:li></rdf:Seq></dc:creator>"
    "<dc:subject><rdf:Bag><rdf:li>one</rdf:li><rdf:li>two</rdf:li><rdf:li>three</rdf:li></rdf:Bag></dc:subject>"
    '<xmpMM:DerivedFrom stRef:instanceID="xmp.iid:1" stRef:documentID="xmp.did:2"/>'
    "<xmpMM:History><rdf:Seq>"
    '<rdf:li stEvt:action="created" stEvt:softwareAgent="Adobe Photoshop 25.0 (Windows)"/>'
    '<rdf:li rdf:parseType="Resource"><stEvt:action>saved</stEvt:action><stEvt:changed>/</stEvt:changed></rdf:li>'
    "<rdf:li><rdf:Description><stEvt:action>converted</stEvt:action></rdf:Description></rdf:li>"
    "</rdf:Seq></xmpMM:History>", 'photoshop:ColorMode="3" photoshop:Headline="\u00dcber &lt;alles&gt;"')
    + description("<photoshop:City>K\u00f6ln</photoshop:City>"))


def resource(number, data, name=b""):
    head = b"8BIM" + struct.pack(">H", number) + bytes([len(name)]) + name
    head += b"\0" if len(head) % 2 else b""
    return head + struct.pack(">I", len(data)) + data + (b"\0" if len(data) % 2 else b"")


def dataset(record, number, data):
    return bytes([0x1C, record, number]) + struct.pack(">H", len(data)) + data


def profile2():
    """A small profile of version 2 with a `desc` and a `text`."""
    name = b"Test profile\0"
    desc = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + b"\0" * 78
    desc += b"\0" * (-len(desc) % 4)
    text = b"text\0\0\0\0Nobody's\0"
    text += b"\0" * (-len(text) % 4)
    head = bytearray(128)
    head[4:8], head[12:16], head[16:20], head[20:24] = b"ADBE", b"mntr", b"RGB ", b"XYZ "
    head[8:12] = bytes([2, 0x10, 0, 0])
    head[24:36] = struct.pack(">6H", 2009, 3, 27, 21, 36, 31)
    head[36:40], head[40:44], head[48:52], head[52:56], head[80:84] = b"acsp", b"MSFT", b"IEC ", b"sRGB", b"HP  "
    table = struct.pack(">I", 2) + b"desc" + struct.pack(">II", 156, len(desc)) + b"cprt" + \
        struct.pack(">II", 156 + len(desc), len(text))
    data = bytes(head) + table + desc + text
    return struct.pack(">I", len(data)) + data[4:]


def icc_segments(profile, size):
    parts = [profile[i:i + size] for i in range(0, len(profile), size)]
    return [segment(0xE2, b"ICC_PROFILE\0" + bytes([i + 1, len(parts)]) + part) for i, part in enumerate(parts)]


CAMERA = ["-Make=Canon", "-Model=Canon EOS R5", "-Software=Firmware 1.8", "-IFD0:ModifyDate=2024:05:01 10:20:30",
          "-DateTimeOriginal=2024:05:01 10:20:30", "-ExifIFD:CreateDate=2024:05:01 10:20:31", "-OffsetTimeOriginal=+02:00",
          "-SubSecTimeOriginal=42", "-LensModel=RF24-105mm F4 L IS USM", "-LensMake=Canon", "-LensInfo=24 105 4 4",
          "-ExifIFD:SerialNumber=032021001234", "-ExifIFD:OwnerName=N. N.", "-ExposureTime=1/250", "-FNumber=5.6",
          "-ISO=400", "-FocalLength=50", "-FocalLengthIn35mmFormat=50", "-ExposureProgram#=2", "-MeteringMode#=5",
          "-Flash#=16", "-WhiteBalance#=0", "-ExposureCompensation=-1/3", "-ExifImageWidth=48", "-ExifImageHeight=32",
          "-ColorSpace#=1", "-FileSource#=3", "-CompositeImage#=1", "-Artist=J\u00fcrgen", "-Copyright=(c) 2024",
          "-ImageDescription=A test", "-Orientation#=1", "-GPSLatitude=48.5", "-GPSLatitudeRef=S", "-GPSLongitude=11.25",
          "-GPSLongitudeRef=W", "-GPSAltitude=520.5", "-GPSAltitudeRef#=0", "-GPSDateStamp=2024:05:01",
          "-GPSTimeStamp=08:20:30", "-GPSImgDirection=123.4", "-ImageUniqueID=0123456789abcdef0123456789abcdef",
          "-UserComment=A comment", "-HostComputer=A computer", "-InteropIndex=R98", "-BrightnessValue=-1.5"]
TEXTS = ["-IPTC:By-line=N. N.", "-IPTC:Credit=Agency", "-IPTC:Source=Source", "-IPTC:CopyrightNotice=(c)",
         "-IPTC:Headline=Headline", "-IPTC:Caption-Abstract=A caption", "-IPTC:Keywords=one", "-IPTC:Keywords=two",
         "-IPTC:DateCreated=2024:05:01", "-IPTC:TimeCreated=10:20:30+02:00", "-IPTC:OriginatingProgram=A program",
         "-IPTC:ProgramVersion=1.0", "-IPTC:City=Z\u00fcrich", "-IPTC:Country-PrimaryLocationName=Schweiz",
         "-IPTC:ObjectName=Name", "-IPTC:SpecialInstructions=none", "-IPTC:Urgency=5"]


def exif_with_comment(order, comment):
    """A TIFF structure of one directory of EXIF tags, which holds a UserComment."""
    e = "<" if order == b"II" else ">"
    data = order + struct.pack(e + "HI", 42, 8)
    data += struct.pack(e + "HHHIII", 1, 0x8769, 4, 1, 26, 0)
    data += struct.pack(e + "HHHIII", 1, 0x9286, 7, len(comment), 44, 0)
    return data + comment


def make():
    thumbnail = io.BytesIO()
    picture(24, 16).save(thumbnail, "JPEG", quality=30)
    with open("/tmp/provenance_thumbnail.jpg", "wb") as file:
        file.write(thumbnail.getvalue())
    path = write("camera.jpg", jpeg(comment=b"a comment", icc_profile=profile2(), progressive=True))
    exiftool(*CAMERA, *TEXTS, "-ThumbnailImage<=/tmp/provenance_thumbnail.jpg", path)
    exiftool("-charset", "iptc=UTF8", "-IPTC:CodedCharacterSet=UTF8", "-IPTC:City=Z\u00fcrich", path)
    for name, data in {"camera.png": png(), "camera.tif": None, "camera.webp": None, "camera.avif": None}.items():
        if data is None:
            out = io.BytesIO()
            kind = {"tif": "TIFF"}.get(name[-3:], name.split(".")[1].upper())
            picture().save(out, kind, **({"quality": 40} if kind != "TIFF" else {"compression": "tiff_adobe_deflate"}))
            data = out.getvalue()
        path = write(name, data)
        exiftool(*CAMERA, "-XMP-iptcExt:DigitalSourceType#=http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
                 "-XMP-photoshop:Credit=Agency", *(TEXTS if name.endswith("tif") else []),
                 *(["-ICC_Profile<=/tmp/provenance_profile.icc"] if not name.endswith("avif") else []), path)
    out = io.BytesIO()
    picture().save(out, "TIFF", compression="tiff_adobe_deflate", big_tiff=True)
    write("big.tif", out.getvalue())
    write("declared.jpg", after_start(jpeg(subsampling=1), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + DECLARED)))
    write("declared.png", before_pixels(png(), chunk(
        b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0\0" + zlib.compress(DECLARED))))
    write("shapes.webp", riff(DECLARED, EVERY_SHAPE))
    write("shapes.jpg", after_start(jpeg(subsampling=0), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + EVERY_SHAPE)))
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    main = xmp(description("<dc:format>image/jpeg</dc:format>", f'xmpNote:HasExtendedXMP="{guid.decode()}"'))
    rest = xmp(description("<photoshop:Instructions>%s</photoshop:Instructions>" % ("long " * 60)))
    parts = [rest[i:i + 300] for i in range(0, len(rest), 300)]
    extended = [segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + guid + struct.pack(">II", len(rest), 300 * i) + part)
                for i, part in enumerate(parts)]
    extended[0], extended[1] = extended[1], extended[0]  # in any order
    write("extended.jpg", after_start(jpeg(), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + main), *extended))
    iim = dataset(1, 90, b"\x1b%G") + dataset(2, 0, b"\0\4") + dataset(2, 80, "J\u00fcrgen".encode()) + \
        dataset(2, 110, b"Credit") + dataset(2, 25, b"a") + dataset(2, 25, b"b")
    irb = resource(0x0404, iim) + resource(0x0406, struct.pack(">hhhB", 6, 1, 3, 1), b"n") + \
        resource(0x0425, bytes(range(16)))
    cut = len(irb) // 2
    write("photoshop.jpg", after_start(
        jpeg(quality="web_high"), segment(0xED, b"Photoshop 3.0\0" + irb[:cut]),
        segment(0xED, b"Photoshop 3.0\0" + irb[cut:]), segment(0xEC, b"Ducky\0\1\0\4\0\0\0\x3c\0\0"),
        segment(0xEE, b"Adobe\0\x64\0\0\0\0\1"), *icc_segments(SRGB4, 200)))
    latin = dataset(2, 0, b"\0\2") + dataset(2, 90, "Z\u00fcrich".encode("latin-1")) + dataset(2, 120, b"caption  ")
    write("latin.jpg", after_start(jpeg(), segment(0xED, b"Photoshop 3.0\0" + resource(0x0404, latin))))
    digits = "".join(f"{b:02x}" + ("\n" if i % 36 == 35 else "") for i, b in enumerate(b"Exif\0\0" + exif_with_comment(
        b"MM", b"ASCII\0\0\0raw profile")))
    raw = "\nexif\n%8d\n%s\n" % (len(digits.replace("\n", "")) // 2, digits)
    digits = "".join(f"{b:02x}" for b in irb)
    raw_iptc = "\niptc\n%8d\n%s\n" % (len(irb), digits)
    write("raw.png", before_pixels(png(), chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw.encode())),
                                   chunk(b"tEXt", b"Raw profile type iptc\0" + raw_iptc.encode())))
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", "A program")
    text.add_itxt("Title", "\u00dcber", lang="de", tkey="Titel")
    text.add_text("Comment", "x" * 3000, zip=True)
    write("text.png", png(pnginfo=text))
    out = io.BytesIO()
    picture(16, 16).quantize(8).save(out, "GIF", comment=b"a comment")
    gif = out.getvalue()
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    at = gif.index(b"\x21\xfe")
    write("xmp.gif", gif[:at] + b"\x21\xff\x0bXMP DataXMP" + DECLARED + trailer + gif[at:])
    comments = {"comment-le.jpg": (b"II", b"UNICODE\0" + "Gr\u00fc\u00dfe \u6771\u4eac \U0001F600".encode("utf-16-le")),
                "comment-be.jpg": (b"II", b"UNICODE\0" + "parameters, Steps: 20".encode("utf-16-be")),
                "comment-ascii.jpg": (b"MM", b"ASCII\0\0\0" + b"hello\0\0\0"),
                "comment-none.jpg": (b"MM", b"\0" * 8 + b"no name")}
    for name, (order, comment) in comments.items():
        write(name, after_start(jpeg(), segment(0xE1, b"Exif\0\0" + exif_with_comment(order, comment))))
    thumb = io.BytesIO()
    picture(20, 20).save(thumb, "JPEG", quality=30)
    with open("/tmp/provenance_thumbnail.jpg", "wb") as file:
        file.write(thumb.getvalue())
    path = write("cropped.jpg", jpeg())
    exiftool("-Make=Maker", "-ThumbnailImage<=/tmp/provenance_thumbnail.jpg", path)


def riff(*packets):
    """A WebP file with several XMP chunks, of which the first counts for most readers."""
    out = io.BytesIO()
    picture().save(out, "WEBP", quality=40, xmp=packets[-1])
    return out.getvalue()


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name in os.listdir(FOLDER):
        os.unlink(os.path.join(FOLDER, name))
    with open("/tmp/provenance_profile.icc", "wb") as file:
        file.write(profile2())
    make()
    with open(os.path.join(FOLDER, "expected.txt"), "w") as out:
        for name in sorted(os.listdir(FOLDER)):
            if name == "expected.txt":
                continue
            printed = subprocess.run(
                ["exiftool", "-j", "-n", "-G1", "-struct", "-a", "-u", "-charset", "iptc=Latin", os.path.join(FOLDER, name)],
                check=True, capture_output=True).stdout
            for key, value in json.loads(printed)[0].items():
                for path, text in ours(key, value) if not key.startswith("Photoshop:") or name.endswith("jpg") else []:
                    assert "\n" not in text and "\t" not in text
                    out.write(f"{name}\t{path}\t{text}\n")


main()
