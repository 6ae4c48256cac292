/* exif_tags.c - names of tags (CIPA DC-008, TIFF 6.0, DNG, and those of Windows), and all tags as facts. */
#include <math.h>
#include <string.h>

#include "provenance/charset.h"
#include "provenance/exif.h"

struct name {
    uint16_t number;
    const char *text;
};

/* IFD0 and IFD1; sorted by number, as all of these are. */
static const struct name main_names[] = {
    {0x000B, "ProcessingSoftware"},
    {0x00FE, "SubfileType"},
    {0x0100, "ImageWidth"},
    {0x0101, "ImageLength"},
    {0x0102, "BitsPerSample"},
    {0x0103, "Compression"},
    {0x0106, "PhotometricInterpretation"},
    {0x010D, "DocumentName"},
    {0x010E, "ImageDescription"},
    {0x010F, "Make"},
    {0x0110, "Model"},
    {0x0112, "Orientation"},
    {0x0115, "SamplesPerPixel"},
    {0x011A, "XResolution"},
    {0x011B, "YResolution"},
    {0x011C, "PlanarConfiguration"},
    {0x011D, "PageName"},
    {0x0128, "ResolutionUnit"},
    {0x0131, "Software"},
    {0x0132, "DateTime"},
    {0x013B, "Artist"},
    {0x013C, "HostComputer"},
    {0x013D, "Predictor"},
    {0x013E, "WhitePoint"},
    {0x013F, "PrimaryChromaticities"},
    {0x0201, "JPEGInterchangeFormat"},
    {0x0202, "JPEGInterchangeFormatLength"},
    {0x0211, "YCbCrCoefficients"},
    {0x0212, "YCbCrSubSampling"},
    {0x0213, "YCbCrPositioning"},
    {0x0214, "ReferenceBlackWhite"},
    {0x4746, "Rating"},
    {0x4749, "RatingPercent"},
    {0x8298, "Copyright"},
    {0x9C9B, "XPTitle"},
    {0x9C9C, "XPComment"},
    {0x9C9D, "XPAuthor"},
    {0x9C9E, "XPKeywords"},
    {0x9C9F, "XPSubject"},
    {0xC4A5, "PrintImageMatching"},
    {0xC612, "DNGVersion"},
    {0xC614, "UniqueCameraModel"},
};

static const struct name exif_names[] = {
    {0x829A, "ExposureTime"},
    {0x829D, "FNumber"},
    {0x8822, "ExposureProgram"},
    {0x8824, "SpectralSensitivity"},
    {0x8827, "ISO"},
    {0x8830, "SensitivityType"},
    {0x8831, "StandardOutputSensitivity"},
    {0x8832, "RecommendedExposureIndex"},
    {0x9000, "ExifVersion"},
    {0x9003, "DateTimeOriginal"},
    {0x9004, "DateTimeDigitized"},
    {0x9010, "OffsetTime"},
    {0x9011, "OffsetTimeOriginal"},
    {0x9012, "OffsetTimeDigitized"},
    {0x9101, "ComponentsConfiguration"},
    {0x9102, "CompressedBitsPerPixel"},
    {0x9201, "ShutterSpeedValue"},
    {0x9202, "ApertureValue"},
    {0x9203, "BrightnessValue"},
    {0x9204, "ExposureBiasValue"},
    {0x9205, "MaxApertureValue"},
    {0x9206, "SubjectDistance"},
    {0x9207, "MeteringMode"},
    {0x9208, "LightSource"},
    {0x9209, "Flash"},
    {0x920A, "FocalLength"},
    {0x9214, "SubjectArea"},
    {0x927C, "MakerNote"},
    {0x9286, "UserComment"},
    {0x9290, "SubSecTime"},
    {0x9291, "SubSecTimeOriginal"},
    {0x9292, "SubSecTimeDigitized"},
    {0xA000, "FlashpixVersion"},
    {0xA001, "ColorSpace"},
    {0xA002, "PixelXDimension"},
    {0xA003, "PixelYDimension"},
    {0xA004, "RelatedSoundFile"},
    {0xA20B, "FlashEnergy"},
    {0xA20E, "FocalPlaneXResolution"},
    {0xA20F, "FocalPlaneYResolution"},
    {0xA210, "FocalPlaneResolutionUnit"},
    {0xA214, "SubjectLocation"},
    {0xA215, "ExposureIndex"},
    {0xA217, "SensingMethod"},
    {0xA300, "FileSource"},
    {0xA301, "SceneType"},
    {0xA302, "CFAPattern"},
    {0xA401, "CustomRendered"},
    {0xA402, "ExposureMode"},
    {0xA403, "WhiteBalance"},
    {0xA404, "DigitalZoomRatio"},
    {0xA405, "FocalLengthIn35mmFilm"},
    {0xA406, "SceneCaptureType"},
    {0xA407, "GainControl"},
    {0xA408, "Contrast"},
    {0xA409, "Saturation"},
    {0xA40A, "Sharpness"},
    {0xA40C, "SubjectDistanceRange"},
    {0xA420, "ImageUniqueID"},
    {0xA430, "CameraOwnerName"},
    {0xA431, "BodySerialNumber"},
    {0xA432, "LensSpecification"},
    {0xA433, "LensMake"},
    {0xA434, "LensModel"},
    {0xA435, "LensSerialNumber"},
    {0xA436, "ImageTitle"},
    {0xA437, "Photographer"},
    {0xA438, "ImageEditor"},
    {0xA439, "CameraFirmware"},
    {0xA43A, "RAWDevelopingSoftware"},
    {0xA43B, "ImageEditingSoftware"},
    {0xA43C, "MetadataEditingSoftware"},
    {0xA460, "CompositeImage"},
    {0xA461, "SourceImageNumberOfCompositeImage"},
    {0xA500, "Gamma"},
};

static const struct name gps_names[] = {
    {0x0000, "GPSVersionID"},         {0x0001, "GPSLatitudeRef"},
    {0x0002, "GPSLatitude"},          {0x0003, "GPSLongitudeRef"},
    {0x0004, "GPSLongitude"},         {0x0005, "GPSAltitudeRef"},
    {0x0006, "GPSAltitude"},          {0x0007, "GPSTimeStamp"},
    {0x0008, "GPSSatellites"},        {0x0009, "GPSStatus"},
    {0x000A, "GPSMeasureMode"},       {0x000B, "GPSDOP"},
    {0x000C, "GPSSpeedRef"},          {0x000D, "GPSSpeed"},
    {0x000E, "GPSTrackRef"},          {0x000F, "GPSTrack"},
    {0x0010, "GPSImgDirectionRef"},   {0x0011, "GPSImgDirection"},
    {0x0012, "GPSMapDatum"},          {0x0013, "GPSDestLatitudeRef"},
    {0x0014, "GPSDestLatitude"},      {0x0015, "GPSDestLongitudeRef"},
    {0x0016, "GPSDestLongitude"},     {0x0017, "GPSDestBearingRef"},
    {0x0018, "GPSDestBearing"},       {0x001B, "GPSProcessingMethod"},
    {0x001D, "GPSDateStamp"},         {0x001E, "GPSDifferential"},
    {0x001F, "GPSHPositioningError"},
};

static const struct name interop_names[] = {
    {0x0001, "InteropIndex"},      {0x0002, "InteropVersion"},     {0x1000, "RelatedImageFileFormat"},
    {0x1001, "RelatedImageWidth"}, {0x1002, "RelatedImageLength"},
};

static const struct {
    const struct name *names;
    size_t count;
    const char *title;
} directories[EXIF_DIRECTORY_COUNT] = {
    [EXIF_IFD0] = {main_names, sizeof main_names / sizeof main_names[0], "image"},
    [EXIF_IFD1] = {main_names, sizeof main_names / sizeof main_names[0], "thumbnail"},
    [EXIF_EXIF] = {exif_names, sizeof exif_names / sizeof exif_names[0], "photo"},
    [EXIF_GPS] = {gps_names, sizeof gps_names / sizeof gps_names[0], "gps"},
    [EXIF_INTEROP] = {interop_names, sizeof interop_names / sizeof interop_names[0], "interoperability"},
    [EXIF_SUBIFD] = {NULL, 0, ""},
};

static const char *name_of(const struct exif_tag *tag)
{
    size_t low = 0, high = directories[tag->directory].count;
    const struct name *names = directories[tag->directory].names;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (names[middle].number == tag->number)
            return names[middle].text;
        if (names[middle].number < tag->number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void add_text(struct fact_tree *tree, struct fact *group, const char *name, const uint8_t *bytes, size_t size,
                     size_t *left)
{
    size = size < *left ? size : *left;
    const uint8_t *nul = size ? memchr(bytes, 0, size) : NULL;
    size_t length = nul ? (size_t)(nul - bytes) : size;
    while (length && bytes[length - 1] == ' ')
        length--;
    *left -= length;
    char *text = charset_text(tree->arena, bytes, length);
    if (text)
        fact_text(tree, group, name, text);
    else
        tree->no_memory = true;
}

static void add_number(struct fact_tree *tree, struct fact *group, const char *name, double value)
{
    if (value == floor(value) && fabs(value) < 9e15)
        fact_integer(tree, group, name, (int64_t)value);
    else
        fact_real(tree, group, name, value);
}

static void add_tag(const struct exif *exif, const struct exif_tag *tag, struct fact_tree *tree, struct fact *group,
                    size_t *left)
{
    enum { ASCII = 2, BYTE = 1, UNDEFINED = 7, UTF8 = 129 };
    const char *name = name_of(tag);
    size_t size = (size_t)tag->count < EXIF_MAX_TEXT ? (size_t)tag->count : EXIF_MAX_TEXT;
    if (!name || tag->number == 0xC4A5)
        return;
    bool exif_tag = tag->directory == EXIF_EXIF;
    if (exif_tag && tag->number == 0x927C) {
        fact_integer(tree, group, "maker_note_bytes", (int64_t)exif->maker_note_bytes);
        if (exif->maker_note)
            fact_text(tree, group, "maker_note_of", exif->maker_note);
    } else if (exif_tag && tag->number == 0x9286) {
        fact_text(tree, group, name, exif->user_comment ? exif->user_comment : "");
    } else if (tag->number >= 0x9C9B && tag->number <= 0x9C9F && (tag->type == BYTE || tag->type == UNDEFINED)) {
        size = size < *left ? size : *left;
        *left -= size;
        char *text = charset_utf16(tree->arena, tag->bytes, size, false);
        if (text)
            fact_text(tree, group, name, text);
        else
            tree->no_memory = true;
    } else if (tag->type == ASCII || tag->type == UTF8) {
        add_text(tree, group, name, tag->bytes, size, left);
    } else if (exif_tag && tag->type == UNDEFINED && (tag->number == 0x9000 || tag->number == 0xA000)) {
        add_text(tree, group, name, tag->bytes, size, left); /* "0232" */
    } else if (tag->directory == EXIF_INTEROP && tag->type == UNDEFINED) {
        add_text(tree, group, name, tag->bytes, size, left);
    } else if (tag->directory == EXIF_GPS && tag->number == 0x001B && size >= 8) {
        add_text(tree, group, name, tag->bytes + 8, size - 8, left); /* the character set's name is before it */
    } else if (tag->type == UNDEFINED && tag->count == 1) {
        fact_integer(tree, group, name, tag->bytes[0]);
    } else if (exif_tag && tag->number == 0x9101) { /* which channel is where */
        struct fact *list = fact_list(tree, group, name);
        for (size_t i = 0; i < size && i < 4; i++)
            fact_integer(tree, list, NULL, tag->bytes[i]);
    } else if (tag->type == UNDEFINED) {
        fact_hex(tree, group, name, tag->bytes, size);
    } else if (tag->count == 1) {
        add_number(tree, group, name, exif_number(exif, tag, 0));
    } else {
        struct fact *list = fact_list(tree, group, name);
        for (uint64_t i = 0; i < tag->count && i < EXIF_SHOWN_NUMBERS; i++)
            add_number(tree, list, NULL, exif_number(exif, tag, i));
    }
}

void exif_facts(const struct exif *exif, struct fact_tree *tree, struct fact *parent)
{
    if (!exif->present)
        return;
    struct fact *group = fact_group(tree, parent, "exif"), *below[EXIF_DIRECTORY_COUNT] = {0};
    size_t left = EXIF_MAX_TEXTS;
    for (size_t i = 0; i < exif->tag_count; i++) {
        const struct exif_tag *tag = &exif->tags[i];
        if (!name_of(tag))
            continue;
        if (!below[tag->directory])
            below[tag->directory] = fact_group(tree, group, directories[tag->directory].title);
        add_tag(exif, tag, tree, below[tag->directory], &left);
    }
    if (exif->has_position) {
        fact_real(tree, below[EXIF_GPS], "latitude", exif->latitude);
        fact_real(tree, below[EXIF_GPS], "longitude", exif->longitude);
    }
    if (exif->thumbnail_width) {
        struct fact *thumbnail = below[EXIF_IFD1];
        fact_integer(tree, thumbnail, "width", exif->thumbnail_width);
        fact_integer(tree, thumbnail, "height", exif->thumbnail_height);
    }
    if (exif->problem)
        fact_problem(tree, group, "%s", exif->problem);
    if (left == 0)
        fact_problem(tree, group, "texts of more than %d MiB: the rest is left out", EXIF_MAX_TEXTS >> 20);
}
