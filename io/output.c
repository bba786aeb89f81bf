#include "io/output.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"

Status output_open(Output *out, const char *path, Error *err)
{
    *out = (Output){.path = path};
    if (!file_temporary(out->temporary, path))
        return error_set(err, STATUS_ARGUMENT, "%.100s...: the name is too long", path);
    out->file = fopen(out->temporary, "wb");
    if (out->file == NULL)
        return error_set(err, STATUS_FILE, "%.300s: cannot write (%s)", path, strerror(errno));
    return STATUS_OK;
}

void output_add(Output *out, const void *data, size_t size)
{
    if (out->failure != 0 || size == 0)
        return;
    errno = 0;
    if (fwrite(data, 1, size, out->file) != size)
        out->failure = errno != 0 ? errno : EIO;
    out->size += size;
}

Status output_close(Output *out, Error *err)
{
    errno = 0;
    if (fflush(out->file) != 0 && out->failure == 0)
        out->failure = errno != 0 ? errno : EIO;
    if (fclose(out->file) != 0 && out->failure == 0)
        out->failure = errno != 0 ? errno : EIO;
    if (out->failure == 0 && !file_rename(out->temporary, out->path))
        out->failure = errno;
    if (out->failure == 0)
        return STATUS_OK;
    remove(out->temporary);
    return error_set(err, STATUS_FILE, "%.300s: cannot write (%s)", out->path, strerror(out->failure));
}

void output_drop(Output *out)
{
    fclose(out->file);
    remove(out->temporary);
}
