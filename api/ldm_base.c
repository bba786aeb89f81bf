/* ldm99.h: status, errors, memory, threads. */
#include "api/ldm_call.h"
#include "base/contract.h"
#include "base/threads.h"

/* The two enumerations are one. */
typedef char StatusesAgree[(int)LDM_INTERRUPTED == (int)STATUS_INTERRUPTED &&
                                   (int)LDM_MEMORY == (int)STATUS_MEMORY &&
                                   sizeof(ldm_error) == sizeof(Error)
                               ? 1
                               : -1];

const char *ldm_version(void)
{
    return LDM_VERSION;
}

const char *ldm_status_text(ldm_status status)
{
    switch (status) {
    case LDM_OK: return "no error";
    case LDM_MEMORY: return "out of memory";
    case LDM_FILE: return "a file cannot be opened, read or written";
    case LDM_FORMAT: return "bytes are not what their format says";
    case LDM_SHAPE: return "shapes do not fit together";
    case LDM_ARGUMENT: return "an argument is out of range";
    case LDM_DIFFERENT: return "this build or machine breaks the numeric contract";
    case LDM_NOT_FINITE: return "infinity or NaN was computed";
    case LDM_INTERRUPTED: return "stopped by a callback";
    }
    return "unknown status";
}

ldm_status ldm_self_test(ldm_error *error)
{
    LdmCall call = ldm_call_from(NULL);
    Status status = contract_check(&call.error);
    if (status == STATUS_OK)
        status = contract_check_threads(&call.error);
    return ldm_call_end(&call, status, error);
}

void ldm_threads_set(int count)
{
    threads_set(count);
}

int ldm_threads(void)
{
    return threads_count();
}

void ldm_free(const ldm_allocator *allocator, void *memory)
{
    ArenaSource room;
    memory_give(ldm_source(&room, allocator), memory);
}
