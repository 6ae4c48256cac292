/* pull_table.c - where the published checkpoints lie. Digests are those that the authors publish: OpenAI in the
 * addresses (clip/clip.py), torchvision by their first eight digits in the names of the files, UnivFD by the file
 * itself, which is part of its repository. Where authors publish none, what others report who fetched the file: of
 * DINOv2 the conversion script of refiners (and several more for ViT-S and ViT-L), of NPR several, of MAE and of
 * CNNDetection's first one each. Its second is unknown. */
#include <stdlib.h>
#include <string.h>

#include "cli/pull.h"

#define OPENAI "https://openaipublic.azureedge.net/clip/models/"
#define TORCHVISION "https://download.pytorch.org/models/"
#define META "https://dl.fbaipublicfiles.com/"
#define CLIP(name, digest, file)                                                                                       \
    {                                                                                                                  \
        name, OPENAI digest "/" file, "clip-" file, 0, digest, "MIT", false                                            \
    }
#define RESNET(name, depth, digest)                                                                                    \
    {                                                                                                                  \
        name, TORCHVISION "resnet" depth "-" digest ".pth", "resnet" depth "-" digest ".pth", 0, digest,               \
            "BSD-3-Clause", false                                                                                      \
    }
#define DINOV2(name, model, file, bytes, digest)                                                                       \
    {                                                                                                                  \
        name, META "dinov2/" model "/" file "_pretrain.pth", file "_pretrain.pth", bytes, digest, "Apache-2.0", true   \
    }
#define GITHUB "https://raw.githubusercontent.com/"
#define NPR_REPOSITORY GITHUB "chuangchuangtan/NPR-DeepfakeDetection/main/"

const struct pull_entry pull_table[] = {
    CLIP("clip-rn50", "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762", "RN50.pt"),
    CLIP("clip-rn101", "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599", "RN101.pt"),
    CLIP("clip-vit-b-32", "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af", "ViT-B-32.pt"),
    CLIP("clip-vit-b-16", "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f", "ViT-B-16.pt"),
    CLIP("clip-vit-l-14", "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836", "ViT-L-14.pt"),
    CLIP("clip-vit-l-14-336", "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02", "ViT-L-14-336px.pt"),
    {"clip-vocabulary", "https://github.com/openai/CLIP/raw/main/clip/bpe_simple_vocab_16e6.txt.gz",
     "bpe_simple_vocab_16e6.txt.gz", 1356917, "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a", "MIT",
     false},
    DINOV2("dinov2-vit-s-14", "dinov2_vits14", "dinov2_vits14", 88283115,
           "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9"),
    DINOV2("dinov2-vit-b-14", "dinov2_vitb14", "dinov2_vitb14", 0,
           "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73"),
    DINOV2("dinov2-vit-l-14", "dinov2_vitl14", "dinov2_vitl14", 1217586395,
           "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428"),
    DINOV2("dinov2-vit-s-14-reg", "dinov2_vits14", "dinov2_vits14_reg4", 0,
           "f433177089a681826f849f194ece3bb48f4d63fb38d32fc837e3dc7a4e5641fb"),
    DINOV2("dinov2-vit-b-14-reg", "dinov2_vitb14", "dinov2_vitb14_reg4", 0,
           "73182a088cf94833c94b1666d1c99e02fe87e2007bff57b564fb6206e25dba71"),
    DINOV2("dinov2-vit-l-14-reg", "dinov2_vitl14", "dinov2_vitl14_reg4", 1217607321,
           "36e4deffbaef061a2576705b0c36f93621e2ae20bf6274694821b0b492551b51"),
    {"mae-vit-b-16", META "mae/pretrain/mae_pretrain_vit_base.pth", "mae_pretrain_vit_base.pth", 343249461,
     "aec5f0b68e5f3193a00b07bc65a37440db549c15b36b8bea242606cc40c4bc5d", "CC-BY-NC-4.0", true},
    {"univfd-head", GITHUB "WisconsinAIVision/UniversalFakeDetect/main/pretrained_weights/fc_weights.pth",
     "univfd-fc_weights.pth", 4083, "477100745713bcc957beb2b40859536859b6483fd6301b3b9293151b194c7847", "MIT", false},
    {"npr", NPR_REPOSITORY "NPR.pth", "NPR.pth", 17393733,
     "3939297e9399e0b992f87211610769d87d899de50d56da0204d6cbda2d483a53", "none stated", true},
    {"npr-3090", NPR_REPOSITORY "model_epoch_last_3090.pth", "npr-model_epoch_last_3090.pth", 5842385,
     "b67a91555ce786a6d0463ff0cb2b0b874d1c3f971b0e3febd2ae5618a80f7e8a", "none stated", true},
    {"cnnspot-0.1", "https://www.dropbox.com/s/h7tkpcgiwuftb6g/blur_jpg_prob0.1.pth?dl=1", "blur_jpg_prob0.1.pth",
     282442597, "a73295ac66f9cb74d558ce3ade46f75e2f2997ed05eeed0f4b774623372058ea", "CC-BY-NC-SA-4.0", true},
    {"cnnspot-0.5", "https://www.dropbox.com/s/2g2jagq2jn1fd0i/blur_jpg_prob0.5.pth?dl=1", "blur_jpg_prob0.5.pth", 0,
     NULL, "CC-BY-NC-SA-4.0", false},
    RESNET("resnet18", "18", "f37072fd"),
    RESNET("resnet34", "34", "b627a593"),
    RESNET("resnet50-v1", "50", "0676ba61"),
    RESNET("resnet50-v2", "50", "11ad3fa6"),
    RESNET("resnet101-v1", "101", "63fe2227"),
    RESNET("resnet101-v2", "101", "cd907fc2"),
    RESNET("resnet152-v1", "152", "394f9c45"),
    RESNET("resnet152-v2", "152", "f82ba261"),
    {0},
};

const struct pull_entry *pull_find(const char *name)
{
    for (const struct pull_entry *entry = pull_table; entry->name; entry++)
        if (strcmp(entry->name, name) == 0)
            return entry;
    return NULL;
}

assay_status pull_folder(struct arena *arena, const char **folder, struct assay_error *error)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/') /* relative ones are to be ignored */
        *folder = arena_printf(arena, "%s/assay", cache);
    else if (home && home[0])
        *folder = arena_printf(arena, "%s/.cache/assay", home);
    else
        return error_set(error, ASSAY_ERROR_ARGUMENT, "no folder to store in: neither XDG_CACHE_HOME nor HOME is set");
    return *folder ? ASSAY_OK : error_memory(error, "a path");
}
