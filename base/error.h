/* base/error.h - how a library function tells its caller what went wrong.
 *
 * A function that can fail returns a Status and takes an Error * as its last argument, or keeps its first
 * failure in an Error of its own object (Tape, Weights, readers).  The caller owns the Error; NULL means
 * "the Status is enough".  Nothing below cli/ prints, exits, aborts or keeps an error in a global. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

typedef enum {
    STATUS_OK = 0,
    STATUS_MEMORY,     /* an allocation failed */
    STATUS_FILE,       /* cannot open, read or write */
    STATUS_FORMAT,     /* the bytes are not what the format says */
    STATUS_SHAPE,      /* two tensors do not fit together */
    STATUS_ARGUMENT,   /* an option is out of its documented range */
    STATUS_DIFFERENT,  /* a comparison or a self-check failed */
    STATUS_NOT_FINITE, /* infinity or NaN where a number was computed */
    STATUS_INTERRUPTED /* the caller asked to stop; everything asked for was saved */
} Status;

typedef struct {
    Status status;
    char text[400]; /* one sentence with the name and the numbers: what, where, expected, got */
} Error;

#ifdef __GNUC__ /* ignoring a Status is a warning; a printf-like text is checked against its arguments */
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define MUST_CHECK
#define PRINTF_LIKE(text, first)
#endif

/* Records the first failure only, so that the cause is not hidden by its consequences.
 * Returns `status`, so that a failing function ends with `return error_set(err, ...)`. */
Status error_set(Error *err, Status status, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
