/* tests/conformance.h - reference cases run by this build: what a handler of a kind of case is given, and how it says
 * what it computed.  The case format is docs/formats/cases.md.
 *
 *     make conformance CASES=DIR       a folder of cases, or one case; one line a tensor
 *
 * A case is a folder with case.json and, mostly, inputs.safetensors and expected.safetensors.  Each kind of case
 * (text-to-image runs, autoencoders, ...) has one handler.  Every tensor of expected.safetensors, and every one that
 * case.json lists, has to be produced by a handler and to be within its tolerance; what nobody produced is "not run" and
 * counts as failed.
 *
 * To add a kind:
 *   1. write tests/conformance_KIND.c with two static functions and one table row,
 *
 *          static bool handles(const CaseFile *c)     { return case_has_input(c, "image") && case_wants(c, "mean"); }
 *          static void run(CaseFile *c)               { ... case_tensor(c, "mean", mean); }
 *          const CaseKind CASES_OF_VAE = {"autoencoder", handles, run, NULL};
 *
 *   2. name the row below and in KINDS of tests/conformance.c (the Makefile finds the file by itself).
 *
 * `handles` decides by the contents of case.json and by the names of tensors, never by the folder's name: variants have
 * other names, models, widths, sizes, batches, seeds and settings.  More than one kind may handle a case; each produces
 * its own tensors.  `run` reads all it can from case.json and the models' configurations; it asks for paths with
 * case_checkpoint or case_path, and hands in every number that it computes that a case may want: names that the case
 * does not want are passed over, so a handler need not ask first (case_wants saves work).  What cannot be done is said
 * with case_fail, and the run goes on with the next case.
 *
 * A row without `run` names a kind that is known and waits for its operators: its tensors are listed as "waiting", which
 * is not a failure.  docs/formats/cases.md lists these rows. */
#ifndef TESTS_CONFORMANCE_H
#define TESTS_CONFORMANCE_H

#include <stdbool.h>

#include "io/json.h"
#include "io/safetensors.h"
#include "nn/tensor.h"
#include "weights/weights.h"

typedef struct {
    int passed, failed, not_run, waiting, given;
} CaseCount;

typedef struct {
    const char *name;             /* the folder's last part: for the lines only */
    const char *folder;           /* relative paths in case.json start here */
    const Json *json;             /* case.json */
    const Json *tensors;          /* its "tensors", or those of the case whose expected file it names */
    Safetensors inputs, expected; /* empty when the case has none */
    unsigned char *done;          /* (expected.count) whether somebody produced the tensor */
    Arena *arena;                 /* lives as long as the case: models, inputs, results */
    CaseCount *count;
} CaseFile;

typedef struct {
    const char *name;
    bool (*handles)(const CaseFile *c);
    void (*run)(CaseFile *c);
    const char *waits_for; /* in place of run: what the kind needs */
} CaseKind;

extern const CaseKind CASES_OF_TXT2IMG, CASES_OF_VAE, CASES_OF_CLIP_TEXT, CASES_OF_CLIP_VISION;
extern const CaseKind CASES_OF_CONTROLNET, CASES_OF_ADAPTER, CASES_OF_UNET_GRADIENTS,
    CASES_OF_VAE_GRADIENTS;
extern const CaseKind CASES_OF_LORA, CASES_OF_SCHEDULERS;
extern const CaseKind CASES_OF_IMG2IMG, CASES_OF_INVERSION, CASES_OF_TOKENIZER, CASES_OF_RANDOM;
extern const CaseKind CASES_OF_RESIZE, CASES_OF_FREQUENCY, CASES_OF_DISTRIBUTION, CASES_OF_LPIPS;
extern const CaseKind CASES_OF_EDICT, CASES_OF_DOODL;
extern const CaseKind CASES_OF_INCEPTION;
extern const CaseKind CASES_OF_ATTEND, CASES_OF_LEDITS; /* waiting */

/* ---- reading a case ---- */

bool case_has_input(const CaseFile *c, const char *name);
bool case_wants(const CaseFile *c, const char *name); /* expected.safetensors has it */

/* Whether a name of expected.safetensors begins so. */
bool case_wants_any(const CaseFile *c, const char *start);

/* A tensor as binary32 (one without axes becomes (1)); NULL, said with case_fail, when it is missing or has more than
 * TENSOR_RANK axes. */
Tensor *case_input(CaseFile *c, const char *name);

/* An expected tensor that the case gives nobody the means to compute (rows of a prompt that it does not name): it is
 * listed as "given" and compared with nothing.  NULL, said with case_fail, when it is missing. */
Tensor *case_given(CaseFile *c, const char *name);

/* An input of whole numbers (token ids): count of them, or NULL as above. */
int *case_input_ints(CaseFile *c, const char *name, size_t *count);

/* A path of case.json, from the case's folder.  NULL when there is no memory. */
const char *case_path(const CaseFile *c, const char *relative);

/* The folder of the model's part ("unet", "vae", "controlnet"), from "checkpoint", which names one folder or several
 * ("../models/sd1-tiny and ./controlnet"): the first that has the part below it, else the one of that name, else one
 * that has a config.json itself; a folder of that name in the case comes before all.  "" asks for a whole pipeline's
 * folder (model_index.json).  NULL, said with case_fail, when there is none. */
const char *case_checkpoint(CaseFile *c, const char *part);

/* folder/config.json, or NULL, said with case_fail; *path is its path for error sentences. */
const Json *case_config(CaseFile *c, const char *folder, const char **path);

/* The weights of a part's folder, in whichever of diffusers' and transformers' file names they are. */
void case_weights(CaseFile *c, Weights *w, const char *folder);

enum { CASE_STAGE = 200 };

/* The name of a stage in the cases from a module's path: "enc.down.1.resnet0" for "encoder.down_blocks.1.resnets.0". */
void case_stage_name(char out[CASE_STAGE], const char *name);

/* ---- saying what was computed ---- */

/* Compares with the expected tensor: shape (axes of length 1 aside), and every number within case.json's suggested_atol.
 * True when it passes or nobody wants it.  NULL is a failure. */
bool case_tensor(CaseFile *c, const char *name, const Tensor *got);

/* The same for an array, of which only the count is compared; and in binary64. */
bool case_numbers(CaseFile *c, const char *name, const float *got, size_t count);
bool case_doubles(CaseFile *c, const char *name, const double *got, size_t count);

/* The same with the tolerance of a tensor for which case.json suggests none. */
bool case_doubles_within(CaseFile *c, const char *name, const double *got, size_t count, double atol);

/* A number that case.json holds itself, under a name for the line. */
bool case_value(CaseFile *c, const char *name, double got, double want, double atol);

/* Something that is not a tensor: right or not. */
bool case_exact(CaseFile *c, const char *name, bool right);

/* A failure that no tensor stands for: a model that cannot be opened, a key that is not known. */
void case_fail(CaseFile *c, const char *what, const char *format, ...) PRINTF_LIKE(3, 4);

/* case_fail with the sentence, unless status is STATUS_OK; true when it is. */
bool case_went_well(CaseFile *c, const char *what, Status status, const Error *err);

#endif
