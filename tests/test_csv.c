#include "io/csv.h"

#include "tests/check.h"

static void write_table(CsvWriter *w)
{
    csv_row(w, (const char *const[]){"step", "a, b", "say \"x\""}, 3);
    csv_int(w, INT64_MIN);
    csv_number(w, 0.1);
    csv_float(w, 0.1f);
    csv_end_row(w);
    csv_empty(w);
    csv_text(w, "two\nlines");
    csv_number(w, HUGE_VAL);
    csv_end_row(w);
}

int main(void)
{
    static const char want[] = "step,\"a, b\",\"say \"\"x\"\"\"\n"
                               "-9223372036854775808,0.1,0.1\n"
                               ",\"two\nlines\",inf\n";
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        Arena arena = {.fail_after = n};
        Bytes text = {.arena = &arena};
        CsvWriter w = {.out = &text};
        write_table(&w);
        failed = text.failed;
        CHECK(failed || (text.size == strlen(want) && memcmp(text.data, want, text.size) == 0));
        arena_free(&arena);
    }
    return check_report("csv");
}
