"""Fixtures of tests/provenance/test_words_files.c: tiny pictures with the texts that image generators write, made on the
generators' own ways of writing them (the functions named in each docstring), and what stands in them.

    python tools/reference/provenance_words.py     writes tests/provenance/fixtures/words/* and words.json

Needs pillow, piexif, numpy and sd-parsers 0.6, an independent reader: where it knows a format, it must read the same
generator, prompts, seed, steps, sampler and model, or this script fails.
"""
import gzip
import io
import json
import os

import numpy as np
import piexif
import piexif.helper
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo
from sd_parsers import Eagerness, ParserManager

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/provenance/fixtures/words")
EXPECTED = {}
MISSING = object()


def picture(mode="RGB", size=(16, 16)):
    y, x = np.mgrid[0:size[1], 0:size[0]]
    planes = [x * 7 % 256, y * 5 % 256, (x + y) * 3 % 256]
    if mode == "RGBA":
        planes.append(np.full((size[1], size[0]), 255))
    return Image.fromarray(np.stack(planes, 2).astype(np.uint8))


def check(path, want):
    """The independent reader agrees, where it reads the format at all."""
    info = ParserManager(eagerness=Eagerness.EAGER).parse(path)
    if info is None:
        return "not read"
    got = {}
    prompts, negatives = [p.value for p in info.prompts], [p.value for p in info.negative_prompts]
    got["prompt"] = prompts[0] if prompts else None
    got["negative_prompt"] = negatives[0] if negatives else None
    try:
        if info.models:
            got["model"] = list(info.models)[0].name
    except TypeError:  # it stumbles over a model that comes through a LoRA
        pass
    if info.samplers:
        sampler = info.samplers[0]
        got["sampler"] = sampler.name
        got["seed"] = sampler.parameters.get("seed", MISSING)
        got["steps"] = sampler.parameters.get("steps", MISSING)
    for key, value in got.items():
        if value is MISSING or value is None or key not in want:
            continue
        assert str(value) == str(want[key]), f"{path}: {key}: sd-parsers reads {value!r}, not {want[key]!r}"
    return f"{info.generator}, {', '.join(k for k, v in got.items() if v not in (None, MISSING))}"


def keep(name, want, save):
    path = os.path.join(FOLDER, name)
    save(path)
    EXPECTED[name] = [{k: v if isinstance(v, bool) else str(v) for k, v in w.items()} for w in want]
    print(f"{name}: sd-parsers: {check(path, want[0]) if want else 'nothing'}")


def png(name, texts, want, image=None):
    info = PngInfo()
    for key, value in texts.items():
        info.add_text(key, value)
    keep(name, want, lambda path: (image or picture()).save(path, pnginfo=info))


# ---- Stable Diffusion web UI ------------------------------------------------------------------------------------------

def quote(text):
    """modules/infotext_utils.py: quote"""
    if "," not in str(text) and "\n" not in str(text) and ":" not in str(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def infotext(prompt, negative, parameters):
    """modules/processing.py: create_infotext"""
    last = ", ".join(k if k == v else f"{k}: {quote(v)}" for k, v in parameters.items() if v is not None)
    return f"{prompt}{chr(10) + 'Negative prompt: ' + negative if negative else ''}\n{last}".strip()


A1111 = {"Steps": 28, "Sampler": "DPM++ 2M", "Schedule type": "Karras", "CFG scale": 6.5, "Seed": 3123456789,
         "Size": "832x1216", "Model hash": "31e35c80fc", "Model": "sd_xl_base_1.0", "VAE hash": "235745af8d",
         "Denoising strength": 0.4, "Lora hashes": "detail: 7c6bad76eb54, style: 01ab", "Version": "v1.9.4"}
A1111_WANT = {"generator": "Stable Diffusion web UI", "place": 'PNG text "parameters"', "seed": 3123456789, "steps": 28,
              "prompt": "a fox in the snow, (detailed:1.2),\nsecond line",
              "negative_prompt": "blurry, text: none", "sampler": "DPM++ 2M",
              "scheduler": "Karras", "guidance": 6.5, "size": "832x1216", "model": "sd_xl_base_1.0",
              "model_hash": "31e35c80fc", "version": "v1.9.4",
              "settings/Lora hashes": "detail: 7c6bad76eb54, style: 01ab", "settings/Denoising strength": 0.4}


def a1111():
    text = infotext(A1111_WANT["prompt"], A1111_WANT["negative_prompt"], A1111)
    png("a1111.png", {"parameters": text}, [A1111_WANT])
    info = PngInfo()
    info.add_text("parameters", text, zip=True)
    keep("a1111_zip.png", [A1111_WANT], lambda path: picture().save(path, pnginfo=info))
    unicode_text = infotext("ein Fuchs im Schnee, 狐", "", A1111)
    want = {**A1111_WANT, "prompt": "ein Fuchs im Schnee, 狐"}
    del want["negative_prompt"]
    png("a1111_unicode.png", {"parameters": unicode_text}, [want])

    def exif(path):
        """modules/images.py: save_image_with_geninfo"""
        data = piexif.dump({"Exif": {piexif.ExifIFD.UserComment: piexif.helper.UserComment.dump(unicode_text,
                                                                                               encoding="unicode")}})
        picture().save(path, quality=80)
        piexif.insert(data, path)

    keep("a1111.jpg", [{**want, "place": "EXIF UserComment"}], exif)
    keep("a1111.webp", [{**want, "place": "EXIF UserComment"}], exif)
    png("a1111_prompt_only.png", {"parameters": infotext("a fox", "", {**A1111, "Model": None})},
        [{"generator": "Stable Diffusion web UI", "prompt": "a fox", "seed": 3123456789, "model": MISSING}])
    forge = {**A1111, "Version": "f2.0.1v1.10.1-previous-633-ge07be6a4", "Module 1": "ae"}
    png("forge.png", {"parameters": infotext("a fox", "blurry", forge)},
        [{"generator": "Stable Diffusion web UI Forge", "prompt": "a fox", "negative_prompt": "blurry",
          "seed": 3123456789, "version": "f2.0.1v1.10.1-previous-633-ge07be6a4", "settings/Module 1": "ae"}])
    # not a generator's text, though the key is the same
    png("parameters_of_others.png", {"parameters": "exposure: 0.1, gain: 2"}, [])


def stealth(image, payload, signature, packed=True):
    """sd_webui_stealth_pnginfo: add_data; NovelAI's nai_meta_writer.py: LSBInjector (without its correction codes)"""
    data = gzip.compress(payload.encode("utf-8"), mtime=0) if packed else payload.encode("utf-8")
    bits = np.unpackbits(np.frombuffer(signature.encode() + (len(data) * 8).to_bytes(4, "big") + data, np.uint8))
    pixels = np.array(image)
    height, width = pixels.shape[:2]
    if "png" in signature:
        plane = pixels[..., 3].T.reshape(-1)
        plane[:len(bits)] = plane[:len(bits)] & 0xFE | bits
        pixels[..., 3] = plane.reshape(width, height).T
    else:
        plane = pixels[..., :3].transpose(1, 0, 2).reshape(-1)
        plane[:len(bits)] = plane[:len(bits)] & 0xFE | bits
        pixels[..., :3] = plane.reshape(width, height, 3).transpose(1, 0, 2)
    return Image.fromarray(pixels)


def a1111_stealth():
    text = infotext("a fox", "blurry", A1111)
    want = {"generator": "Stable Diffusion web UI", "place": "lowest bits of the pixels", "prompt": "a fox",
            "negative_prompt": "blurry", "seed": 3123456789, "model": "sd_xl_base_1.0"}
    for name, mode, signature, packed in (("stealth_alpha", "RGBA", "stealth_pngcomp", True),
                                          ("stealth_alpha_plain", "RGBA", "stealth_pnginfo", False),
                                          ("stealth_rgb", "RGB", "stealth_rgbcomp", True),
                                          ("stealth_rgb_plain", "RGBA", "stealth_rgbinfo", False)):
        hidden = stealth(picture(mode, (60, 80)), text, signature, packed)
        keep(name + ".png", [want], lambda path, image=hidden: image.save(path))
    # higher than the signature is long, so that it stands in the first column alone
    hidden = stealth(picture("RGBA", (12, 400)), text, "stealth_pngcomp")
    keep("stealth_tall.png", [want], lambda path: hidden.save(path))


# ---- ComfyUI ----------------------------------------------------------------------------------------------------------

COMFY = {
    "3": {"class_type": "KSampler", "inputs": {
        "seed": 18446744073709551615, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal",
        "denoise": 1, "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5-pruned-emaonly.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"batch_size": 1, "height": 512, "width": 768}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "a fox in the snow"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "blurry"}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]},
          "is_changed": [float("nan")]},
    "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "x.safetensors", "model": ["4", 0], "clip": ["4", 1]}},
}
COMFY_WANT = {"generator": "ComfyUI", "place": 'PNG text "prompt"', "seed": 18446744073709551615, "steps": 20,
              "guidance": 8, "sampler": "euler", "scheduler": "normal", "prompt": "a fox in the snow",
              "negative_prompt": "blurry", "size": "768x512", "model": "v1-5-pruned-emaonly.safetensors"}
FLUX = {  # the custom sampler, whose settings stand in nodes of their own; the text goes through a primitive
    "1": {"class_type": "SaveImage", "inputs": {"images": ["2", 0]}},
    "2": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["12", 0]}},
    "3": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["4", 0], "guider": ["5", 0], "sampler": ["6", 0],
                                                            "sigmas": ["7", 0], "latent_image": ["8", 0]}},
    "4": {"class_type": "RandomNoise", "inputs": {"noise_seed": 77}},
    "5": {"class_type": "BasicGuider", "inputs": {"model": ["9", 0], "conditioning": ["10", 0]}},
    "6": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
    "7": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 4, "denoise": 1, "model": ["9", 0]}},
    "8": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1}},
    "9": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-schnell.safetensors"}},
    "10": {"class_type": "FluxGuidance", "inputs": {"conditioning": ["11", 0], "guidance": 3.5}},
    "11": {"class_type": "CLIPTextEncode", "inputs": {"text": ["13", 0]}},
    "12": {"class_type": "VAELoader", "inputs": {"vae_name": "ae"}},
    "13": {"class_type": "PrimitiveString", "inputs": {"value": "a lighthouse"}},
}
UPSCALE = {"1": {"class_type": "LoadImage", "inputs": {"image": "photo.jpg"}},
           "2": {"class_type": "ImageUpscaleWithModel", "inputs": {"upscale_model": ["3", 0], "image": ["1", 0]}},
           "3": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": "4x.pth"}},
           "4": {"class_type": "SaveImage", "inputs": {"images": ["2", 0]}}}
WORKFLOW = {"last_node_id": 9, "nodes": [
    {"id": 3, "type": "KSampler", "inputs": [{"name": "model", "link": 1}, {"name": "positive", "link": 4},
                                             {"name": "negative", "link": 6}],
     "widgets_values": [156680208700286, "randomize", 20, 8, "euler", "normal", 1]},
    {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["v1-5.safetensors"]},
    {"id": 6, "type": "CLIPTextEncode", "widgets_values": ["a fox"]},
    {"id": 7, "type": "CLIPTextEncode", "widgets_values": ["blurry"]}],
    "links": [[1, 4, 0, 3, 0, "MODEL"], [4, 6, 0, 3, 1, "CONDITIONING"], [6, 7, 0, 3, 2, "CONDITIONING"]], "version": 0.4}


def comfy():
    """nodes.py: SaveImage.save_images; comfy_extras/nodes_images.py: SaveAnimatedWEBP"""
    png("comfyui.png", {"prompt": json.dumps(COMFY), "workflow": json.dumps(WORKFLOW)}, [COMFY_WANT])
    png("comfyui_flux.png", {"prompt": json.dumps(FLUX)},
        [{"generator": "ComfyUI", "seed": 77, "steps": 4, "sampler": "euler", "scheduler": "simple",
          "prompt": "a lighthouse", "size": "1024x1024", "model": "flux1-schnell.safetensors"}])
    png("comfyui_upscale.png", {"prompt": json.dumps(UPSCALE)}, [{"generator": "ComfyUI", "edited": True}])
    png("comfyui_workflow.png", {"workflow": json.dumps(WORKFLOW)},
        [{"generator": "ComfyUI", "place": 'PNG text "workflow"', "seed": 156680208700286, "steps": 20, "guidance": 8,
          "sampler": "euler", "scheduler": "normal", "prompt": "a fox", "negative_prompt": "blurry",
          "model": "v1-5.safetensors"}])

    def webp(path):
        image = picture()
        exif = image.getexif()
        exif[0x0110] = "prompt:" + json.dumps(COMFY)
        exif[0x010F] = "workflow:" + json.dumps(WORKFLOW)
        image.save(path, exif=exif, lossless=True)

    keep("comfyui.webp", [{**COMFY_WANT, "place": "EXIF Model"}], webp)


# ---- InvokeAI ---------------------------------------------------------------------------------------------------------

def invoke():
    """invokeai/app/services/image_files: save (since 3.0); ldm/invoke/pngwriter.py: save_image_and_prompt_to_png"""
    png("invokeai.png", {"invokeai_metadata": json.dumps({
        "app_version": "4.2.4", "generation_mode": "sdxl_txt2img", "positive_prompt": "a fox", "negative_prompt": "blurry",
        "width": 1024, "height": 768, "seed": 1234567890, "cfg_scale": 7.5, "steps": 30, "scheduler": "dpmpp_2m_k",
        "model": {"key": "x", "hash": "blake3:ab", "name": "Juggernaut XL v9", "base": "sdxl", "type": "main"}}),
        "invokeai_graph": "{}"},
        [{"generator": "InvokeAI", "place": 'PNG text "invokeai_metadata"', "version": "4.2.4", "prompt": "a fox",
          "negative_prompt": "blurry", "size": "1024x768", "seed": 1234567890, "guidance": 7.5, "steps": 30,
          "scheduler": "dpmpp_2m_k", "model": "Juggernaut XL v9", "model_hash": "blake3:ab",
          "settings/generation_mode": "sdxl_txt2img"}])
    png("invokeai_2.png", {
        "Dream": '"a fox, [blurry]" -s 50 -S 2980747362 -W 512 -H 768 -C 5.0 -A k_lms',
        "sd-metadata": json.dumps({
            "model": "stable diffusion", "model_weights": "deliberate", "model_hash": "56d1442a", "app_version": "2.3.0",
            "app_id": "invoke-ai/InvokeAI", "image": {
                "prompt": [{"prompt": "a fox [blurry]", "weight": 1.0}], "steps": 50, "cfg_scale": 5.0,
                "threshold": 0, "perlin": 0, "height": 768, "width": 512, "seed": 2980747362, "seamless": False,
                "type": "txt2img", "variations": [], "sampler": "k_lms"}})},
        [{"generator": "InvokeAI", "place": 'PNG text "sd-metadata"', "version": "2.3.0", "prompt": "a fox",
          "negative_prompt": "blurry", "size": "512x768", "seed": 2980747362, "guidance": 5, "steps": 50,
          "sampler": "k_lms", "model": "deliberate", "model_hash": "56d1442a"}])
    png("invokeai_dream.png", {"Dream": '"a red fox [blurry]" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_euler'},
        [{"generator": "InvokeAI", "place": 'PNG text "Dream"', "prompt": "a red fox", "negative_prompt": "blurry",
          "size": "512x512", "seed": 42, "guidance": 7.5, "steps": 50, "sampler": "k_euler"}])


# ---- NovelAI ----------------------------------------------------------------------------------------------------------

NOVEL = {"Title": "NovelAI generated image", "Description": "a fox, snow", "Software": "NovelAI",
         "Source": "NovelAI Diffusion V4.5 4BDE2A90", "Generation time": "2.9",
         "Comment": json.dumps({"prompt": "a fox, snow", "steps": 28, "height": 1216, "width": 832, "scale": 5.0,
                                "uncond_scale": 1.0, "seed": 3812345678, "n_samples": 1, "noise_schedule": "karras",
                                "sampler": "k_euler_ancestral", "uc": "lowres", "request_type": "PromptGenerateRequest",
                                "v4_prompt": {"caption": {"base_caption": "a fox, snow"}}})}
NOVEL_WANT = {"generator": "NovelAI", "place": 'PNG text "Software"', "model": "NovelAI Diffusion V4.5",
              "model_hash": "4BDE2A90", "prompt": "a fox, snow", "negative_prompt": "lowres", "seed": 3812345678, "steps": 28,
              "sampler": "k_euler_ancestral", "scheduler": "karras", "guidance": 5, "size": "832x1216"}


def novel():
    """novelai-image-metadata: nai_meta_writer.py"""
    png("novelai.png", NOVEL, [NOVEL_WANT])
    hidden = stealth(picture("RGBA", (64, 96)), json.dumps(NOVEL), "stealth_pngcomp")
    keep("novelai_stealth.png", [{**NOVEL_WANT, "place": "lowest bits of the pixels"}], lambda path: hidden.save(path))


# ---- Fooocus ----------------------------------------------------------------------------------------------------------

def fooocus():
    """modules/private_logger.py: log; modules/meta_parser.py: FooocusMetadataParser, A1111MetadataParser, get_exif"""
    parameters = json.dumps(dict(sorted({
        "prompt": "a fox", "negative_prompt": "blurry", "prompt_expansion": "", "styles": "['Fooocus V2']",
        "performance": "Speed", "steps": 30, "resolution": "(1152, 896)", "guidance_scale": 4, "sharpness": 2,
        "adm_guidance": "(1.5, 0.8, 0.3)", "base_model": "juggernautXL_v8Rundiffusion", "base_model_hash": "aeb7e9e689",
        "refiner_model": "None", "refiner_switch": 0.5, "clip_skip": 2, "sampler": "dpmpp_2m_sde_gpu",
        "scheduler": "karras", "vae": "Default (model)", "seed": "7154131313", "version": "Fooocus v2.5.5",
        "full_prompt": ["a fox"], "full_negative_prompt": ["blurry"], "loras": [], "metadata_scheme": "fooocus"}.items())))
    want = {"generator": "Fooocus", "place": 'PNG text "parameters"', "version": "Fooocus v2.5.5", "prompt": "a fox",
            "negative_prompt": "blurry", "size": "1152x896", "seed": 7154131313, "guidance": 4, "steps": 30,
            "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras", "model": "juggernautXL_v8Rundiffusion",
            "model_hash": "aeb7e9e689"}
    png("fooocus.png", {"parameters": parameters, "fooocus_scheme": "fooocus"}, [want])
    exif = Image.Exif()
    exif[0x9286] = parameters
    exif[0x0131] = "Fooocus v2.5.5"
    exif[0x927C] = "fooocus"
    keep("fooocus.jpg", [{**want, "place": "EXIF UserComment"}], lambda path: picture().save(path, quality=80, exif=exif))
    text = infotext("a fox, cinematic", "blurry", {
        "Steps": 30, "Sampler": "DPM++ 2M SDE Karras", "Seed": 7154131313, "Size": "1152x896", "CFG scale": 4,
        "Sharpness": 2, "ADM Guidance": "(1.5, 0.8, 0.3)", "Model": "juggernautXL_v8Rundiffusion",
        "Model hash": "aeb7e9e689", "Performance": "Speed", "Scheduler": "karras", "VAE": "Default (model)",
        "Raw prompt": "a fox", "Raw negative prompt": "blurry", "Version": "Fooocus v2.5.5"})
    png("fooocus_a1111.png", {"parameters": text, "fooocus_scheme": "a1111"},
        [{"generator": "Fooocus", "prompt": "a fox, cinematic", "seed": 7154131313, "size": "1152x896",
          "model": "juggernautXL_v8Rundiffusion", "scheduler": "karras", "settings/Raw prompt": "a fox"}])


# ---- Others -----------------------------------------------------------------------------------------------------------

def others():
    """SwarmUI: T2IParamInput.GenRawMetadata; Easy Diffusion: save_utils.py; Draw Things: EXIF as its users publish it"""
    png("swarmui.png", {"parameters": json.dumps({
        "sui_image_params": {"prompt": "a fox", "negativeprompt": "blurry", "model": "OfficialStableDiffusion/sd_xl_base_1.0",
                             "seed": 1955034122, "steps": 20, "cfgscale": 7.0, "aspectratio": "1:1", "width": 1024,
                             "height": 1024, "sampler": "euler", "scheduler": "normal", "swarm_version": "0.9.2.1"},
        "sui_extra_data": {"date": "2024-09-22"}}, indent=2)},
        [{"generator": "SwarmUI", "prompt": "a fox", "negative_prompt": "blurry", "seed": 1955034122, "steps": 20,
          "guidance": 7, "size": "1024x1024", "sampler": "euler", "model": "OfficialStableDiffusion/sd_xl_base_1.0",
          "version": "0.9.2.1", "settings/aspectratio": "1:1"}])
    easy = {"prompt": "a fox", "negative_prompt": "blurry", "seed": 77, "use_stable_diffusion_model": "sd-v1-5",
            "sampler_name": "euler_a", "width": 512, "height": 512, "num_inference_steps": 25, "guidance_scale": 7.5}
    want = {"generator": "Easy Diffusion", "prompt": "a fox", "negative_prompt": "blurry", "seed": 77, "model": "sd-v1-5",
            "sampler": "euler_a", "size": "512x512", "steps": 25, "guidance": 7.5}
    png("easy_diffusion.png", {k: str(v) for k, v in easy.items()},
        [{**want, "place": 'PNG text "use_stable_diffusion_model"'}])

    def comment(text):
        def save(path):
            picture().save(path, quality=80)
            piexif.insert(piexif.dump({"Exif": {piexif.ExifIFD.UserComment: piexif.helper.UserComment.dump(
                text, encoding="unicode")}}), path)
        return save

    keep("easy_diffusion.jpg", [{**want, "place": "EXIF UserComment"}], comment(json.dumps(easy)))
    keep("draw_things.jpg", [{"generator": "Draw Things", "place": "EXIF UserComment", "prompt": "a fox",
                              "negative_prompt": "blurry", "seed": 9, "steps": 8, "sampler": "DPM++ SDE Trailing",
                              "guidance": 1.5, "size": "1024x1024", "model": "sd_xl_turbo_1.0_f16.ckpt"}],
         comment(json.dumps({"c": "a fox", "uc": "blurry", "model": "sd_xl_turbo_1.0_f16.ckpt", "seed": 9, "steps": 8,
                             "sampler": "DPM++ SDE Trailing", "scale": 1.5, "size": "1024x1024", "seed_mode": "Scale Alike"})))
    png("midjourney.png", {"Description": "a fox --ar 2:1 --stylize 80 --v 6 --seed 5 Job ID: "
                                          "a7421d2f-b262-44f9-977c-ac23e9c7d3e3", "Author": "somebody"},
        [{"generator": "Midjourney", "place": 'PNG text "Description"', "prompt": "a fox --ar 2:1 --stylize 80 --v 6 --seed 5",
          "job": "a7421d2f-b262-44f9-977c-ac23e9c7d3e3", "author": "somebody", "model": "6", "seed": 5}])
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = "AI generated;txt2img;flux"
    exif[ExifTags.Base.Make] = "Black Forest Labs"
    exif[ExifTags.Base.Model] = "flux-schnell"
    exif[ExifTags.Base.ImageDescription] = "a fox"
    keep("flux.jpg", [{"generator": "FLUX", "place": "EXIF Software", "model": "flux-schnell", "prompt": "a fox",
                       "system": "Black Forest Labs"}], lambda path: picture().save(path, quality=80, exif=exif))
    xmp = ('<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
           '<rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
           'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" {}</rdf:RDF></x:xmpmeta>')
    google = xmp.format('photoshop:Credit="Made with Google AI" Iptc4xmpExt:DigitalSourceType='
                        '"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>')
    keep("google.jpg", [{"generator": "Google AI", "place": "XMP Credit", "system": "Made with Google AI"}],
         lambda path: picture().save(path, quality=80, xmp=google.encode()))
    google = xmp.format('photoshop:Credit="Edited with Google AI" Iptc4xmpExt:DigitalSourceType='
                        '"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"/>')
    keep("google_edited.jpg", [{"generator": "Google AI", "place": "XMP Credit", "edited": True}],
         lambda path: picture().save(path, quality=80, xmp=google.encode()))
    firefly = xmp.format('xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Adobe Firefly 1.0"/>')
    keep("firefly.jpg", [{"generator": "Adobe Firefly", "place": "XMP CreatorTool", "system": "Adobe Firefly 1.0"}],
         lambda path: picture().save(path, quality=80, xmp=firefly.encode()))
    fields = xmp.format('Iptc4xmpExt:AISystemUsed="ChatGPT DALL-E" Iptc4xmpExt:AISystemVersionUsed="3" '
                        'Iptc4xmpExt:AIPromptInformation="a fox" Iptc4xmpExt:AIPromptWriterName="Somebody"/>')
    keep("iptc_ai.jpg", [{"generator": "DALL-E", "place": "XMP AISystemUsed", "system": "ChatGPT DALL-E", "version": "3",
                          "prompt": "a fox", "author": "Somebody"}],
         lambda path: picture().save(path, quality=80, xmp=fields.encode()))
    label = xmp.format('xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" TC260:AIGC=\'{"Label":"1",'
                       '"ContentProducer":"Some company","ProduceID":"A1"}\'/>')
    keep("tc260.jpg", [{"generator": "AI label (GB 45438-2025)", "place": "XMP AIGC", "system": "Some company",
                        "settings/label": "generated", "settings/ProduceID": "A1"}],
         lambda path: picture().save(path, quality=80, xmp=label.encode()))
    # people write about generators too: none of these is one
    png("about.png", {"Description": "Not made with Midjourney, nor with Stable Diffusion", "Title": "DALL-E and me"}, [])
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = "Adobe Photoshop 25.0"
    exif[ExifTags.Base.Make] = "Canon"
    exif[ExifTags.Base.Model] = "Canon EOS R5"
    keep("camera.jpg", [], lambda path: picture().save(path, quality=80, exif=exif))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    a1111()
    a1111_stealth()
    comfy()
    invoke()
    novel()
    fooocus()
    others()
    for entries in EXPECTED.values():
        for entry in entries:
            for key in [k for k, v in entry.items() if v == str(MISSING)]:
                del entry[key]
    with open(os.path.join(FOLDER, "words.json"), "w", encoding="utf-8") as file:
        json.dump(EXPECTED, file, indent=1, ensure_ascii=False)
        file.write("\n")
