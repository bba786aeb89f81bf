/* tests/conformance_pipe.h - what handlers of runs of a pipeline share: settings that a case says in words, the rows of
 * its prompts, and pictures.
 *
 * A setting is a key of case.json or, where there is none of that name, a word of its "what" with the value behind it:
 * "conditioning_scale 0.8", "t=601", `prompt "a house"`, "DDIM 6 steps, CFG 7.5". */
#ifndef TESTS_CONFORMANCE_PIPE_H
#define TESTS_CONFORMANCE_PIPE_H

#include "diffusion/pipeline_txt2img.h"
#include "tests/conformance.h"

/* The first of `names` (ended by NULL) that case.json has as a key with a number, or that "what" has as a word with a
 * number behind it. */
double case_said(const CaseFile *c, const char *const *names, double otherwise);

/* The number before a word: "6 steps" of "DDIM 6 steps". */
double case_said_before(const CaseFile *c, const char *word, double otherwise);

/* The text between quotation marks behind a word; "prompt" is not the one in "negative prompt". */
const char *case_said_text(const CaseFile *c, const char *const *names, const char *otherwise);

/* A sampler named by its class or by the word that the class begins with ("DDIM", "Euler"); the model's where the case
 * names none; NULL when there is none. */
const Sampler *case_said_sampler(const CaseFile *c, const Model *m);

/* The settings that all runs have, of a case that says them in either way: prompts, steps, guidance, sampler ("DDIM",
 * "Euler" ..., else the model's), noise from the input `latents`, one run of as many pictures.  False after case_fail. */
bool case_run_options(CaseFile *c, const Model *m, const char *latents, Txt2ImgOptions *out);

/* Runs it and compares "STARTlatents_per_step", "STARTlatents", and the pictures of the last: "STARTdecoded" (as the VAE
 * gives it) and "STARTimage" ((N,H,W,3) in [0, 1]). */
void case_run(CaseFile *c, const Model *m, const Txt2ImgOptions *options, const char *start);

/* The same for another pipeline: `run` leaves the last latents in x. */
typedef Status (*CaseRunner)(void *context, float *x, const Model *m, const Txt2ImgOptions *options,
                             Arena *arena, Error *err);
void case_run_with(CaseFile *c, const Model *m, const Txt2ImgOptions *options, const char *start,
                   CaseRunner run, void *context);

/* The case as one of its parts sees it: of `what` first the words from `word` on, up to `until` when that comes behind,
 * then all of it; keys of the object of case.json that is called `key`, if there is one, before its own.  False after
 * case_fail. */
bool case_part(CaseFile *part, CaseFile *c, const char *key, const char *word, const char *until);

/* The rows of a single evaluation of the U-Net, (N,T,D) for N samples: the input of that name; or the expected tensor,
 * compared with what the case's prompts give (one row: the prompt; two: the negative prompt and the prompt) when these
 * give it, and taken as given when not. */
Tensor *case_text_rows(CaseFile *c, const Model *m, const char *name, int N);

#endif
