/* pull_table.c - where the published checkpoints lie. Digests are those that the authors publish: OpenAI in the addresses
 * (clip/clip.py), torchvision by their first eight digits in the names of the files. */
#include <stdlib.h>
#include <string.h>

#include "cli/pull.h"

#define OPENAI "https://openaipublic.azureedge.net/clip/models/"
#define TORCHVISION "https://download.pytorch.org/models/"
#define META "https://dl.fbaipublicfiles.com/"
#define CLIP(name, digest, file)                                                                                       \
    {                                                                                                                  \
        name, OPENAI digest "/" file, "clip-" file, 0, digest, "MIT"                                                   \
    }
#define RESNET(name, depth, digest)                                                                                    \
    {                                                                                                                  \
        name, TORCHVISION "resnet" depth "-" digest ".pth", "resnet" depth "-" digest ".pth", 0, digest,               \
            "BSD-3-Clause"                                                                                             \
    }
#define DINOV2(name, model, file)                                                                                      \
    {                                                                                                                  \
        name, META "dinov2/" model "/" file "_pretrain.pth", file "_pretrain.pth", 0, NULL, "Apache-2.0"               \
    }

const struct pull_entry pull_table[] = {
    CLIP("clip-rn50", "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762", "RN50.pt"),
    CLIP("clip-rn101", "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599", "RN101.pt"),
    CLIP("clip-vit-b-32", "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af", "ViT-B-32.pt"),
    CLIP("clip-vit-b-16", "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f", "ViT-B-16.pt"),
    CLIP("clip-vit-l-14", "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836", "ViT-L-14.pt"),
    CLIP("clip-vit-l-14-336", "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02", "ViT-L-14-336px.pt"),
    {"clip-vocabulary", "https://github.com/openai/CLIP/raw/main/clip/bpe_simple_vocab_16e6.txt.gz",
     "bpe_simple_vocab_16e6.txt.gz", 1356917, "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a",
     "MIT"},
    DINOV2("dinov2-vit-s-14", "dinov2_vits14", "dinov2_vits14"),
    DINOV2("dinov2-vit-b-14", "dinov2_vitb14", "dinov2_vitb14"),
    DINOV2("dinov2-vit-l-14", "dinov2_vitl14", "dinov2_vitl14"),
    DINOV2("dinov2-vit-s-14-reg", "dinov2_vits14", "dinov2_vits14_reg4"),
    DINOV2("dinov2-vit-b-14-reg", "dinov2_vitb14", "dinov2_vitb14_reg4"),
    DINOV2("dinov2-vit-l-14-reg", "dinov2_vitl14", "dinov2_vitl14_reg4"),
    {"mae-vit-b-16", META "mae/pretrain/mae_pretrain_vit_base.pth", "mae_pretrain_vit_base.pth", 0, NULL,
     "CC-BY-NC-4.0"},
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
