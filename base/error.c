#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

Status error_set(Error *err, Status status, const char *format, ...)
{
    if (err != NULL && err->status == STATUS_OK) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(err->text, sizeof err->text, format, arguments);
        va_end(arguments);
        err->status = status;
    }
    return status;
}
