/* Kinds of cases that are known and wait for what they need: listed in docs/formats/cases.md. */
#include "tests/conformance.h"

static bool is_attend_and_excite(const CaseFile *c)
{
    return case_wants(c, "losses_in_order") && case_wants_any(c, "aggregated_attention.");
}

static bool is_ledits(const CaseFile *c)
{
    return case_wants_any(c, "dpm.noise_mask.") || case_wants_any(c, "ddim.noise_mask.");
}

const CaseKind CASES_OF_ATTEND = {"Attend-and-Excite", is_attend_and_excite, NULL, "Attend-and-Excite"};
const CaseKind CASES_OF_LEDITS = {"LEdits++", is_ledits, NULL, "LEdits++"};
