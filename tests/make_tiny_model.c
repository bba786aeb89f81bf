/* make_tiny_model DIR: writes the model of tests/tiny_model.h, for tests/make_cases.py.  Run by hand. */
#include "tests/tiny_model.h"

int main(int argc, char **argv)
{
    Arena arena = {0}, scratch = {0};
    Error err = {0};
    Model model;
    if (argc != 2)
        return 2;
    tiny_model_new(&model, &arena);
    const Status status = model_save(&model, argv[1], F32, &scratch, &err);
    if (status != STATUS_OK)
        fprintf(stderr, "make_tiny_model: %s\n", err.text);
    arena_free(&scratch);
    arena_free(&arena);
    return status != STATUS_OK;
}
