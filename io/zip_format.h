/* io/zip_format.h - the records of a zip archive (APPNOTE section in brackets); for zip*.c alone. */
#ifndef IO_ZIP_FORMAT_H
#define IO_ZIP_FORMAT_H

enum {
    ZIP_LOCAL = 0x04034b50, /* local file header [4.3.7] */
    ZIP_LOCAL_SIZE = 30,
    ZIP_MEMBER = 0x02014b50, /* central directory header [4.3.12] */
    ZIP_MEMBER_SIZE = 46,
    ZIP_END = 0x06054b50, /* end of central directory [4.3.16] */
    ZIP_END_SIZE = 22,
    ZIP_END_64 = 0x06064b50, /* zip64 end of central directory [4.3.14] */
    ZIP_END_64_SIZE = 56,
    ZIP_LOCATOR_64 = 0x07064b50, /* zip64 end of central directory locator [4.3.15] */
    ZIP_LOCATOR_64_SIZE = 20,
    ZIP_EXTRA_64 = 1,      /* zip64 extended information [4.5.3] */
    ZIP_ENCRYPTED = 1,     /* general purpose flags [4.4.4]: bit 0 */
    ZIP_UTF8 = 1 << 11,    /* bit 11: the name is UTF-8 */
    ZIP_VERSION = 20,      /* needed to unpack deflate and folders [4.4.3] */
    ZIP_VERSION_64 = 45,   /* needed for zip64 */
    ZIP_DATE = 1 << 5 | 1, /* 1980-01-01 [4.4.6] */
    ZIP_MOST_16 = 0xffff   /* stands for "see the zip64 record" */
};
#define ZIP_MOST_32 0xffffffffu /* the same; too large for an enum constant */

#endif
