/* cli/doodl_table_print.c - the table of DOODL for people and for programs. */
#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "cli/doodl_table.h"
#include "io/csv.h"

const DoodlClass DOODL_CLASS[DOODL_CLASSES] = {{"green-heart", "a red heart"},
                                               {"polar-bear", "a bear"},
                                               {"taxi", "an automobile"},
                                               {"raccoon", "a panda"}};
/* Mean and standard error over seeds. */
static void summary(double out[2], const double *x, int n)
{
    double mean = 0.0, squares = 0.0;
    for (int i = 0; i < n; i++)
        mean += x[i] / n;
    for (int i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    out[0] = mean;
    out[1] = n > 1 ? sqrt(squares / (n - 1) / n) : NAN;
}

typedef struct {
    const DoodlTable *table;
    CsvWriter csv;
} Printer;

static void print_row(Printer *p, const char *name, const double x[DOODL_METHODS][DOODL_TABLE_SEEDS],
                      double unit, const char *paper)
{
    Result *r = &p->table->command->result;
    result_line(r, "| %s |", name);
    csv_text(&p->csv, name);
    json_begin_object(&r->json, NULL);
    json_write_text(&r->json, "name", name);
    json_begin_array(&r->json, "mean_error");
    for (int m = 0; m < DOODL_METHODS; m++) {
        double s[2];
        summary(s, x[m], p->table->seeds);
        if (p->table->seeds > 1)
            result_line(r, " %.1f ± %.1f |", unit * s[0], unit * s[1]);
        else
            result_line(r, " %.1f |", unit * s[0]);
        csv_number(&p->csv, unit * s[0]);
        csv_number(&p->csv, unit * s[1]);
        json_write_number(&r->json, NULL, unit * s[0]);
    }
    json_end(&r->json);
    json_end(&r->json);
    result_line(r, " %s |\n", paper);
    csv_end_row(&p->csv);
}

Status doodl_table_print(const DoodlTable *t, const DoodlNumbers *numbers, Error *err)
{
    static const char *const HEAD[] = {"measure",        "plain", "plain error", "one-step",
                                       "one-step error", "DOODL", "DOODL error"};
    Result *r = &t->command->result;
    Bytes text = {.arena = &t->command->arena};
    Printer p = {t, {.out = &text}};
    csv_row(&p.csv, HEAD, sizeof HEAD / sizeof HEAD[0]);
    result_line(r, "| %d pictures x %d seeds, %d steps, %d updates | %s | %s | %s | the paper |\n",
                t->count, t->seeds, t->steps, t->updates, "plain", "one-step guidance", "DOODL");
    result_line(r, "|---|---|---|---|---|\n");
    json_begin_array(&r->json, "rows");
    for (int c = 0; c < DOODL_CLASSES; c++) {
        char name[120];
        snprintf(name, sizeof name, "%s for \"%s\": change of the Frechet distance, %%",
                 DOODL_CLASS[c].slug, DOODL_CLASS[c].prompt);
        print_row(&p, name, numbers->change[c], 100.0,
                  c == 0 ? "one-step +6.1, +0.27, +13.7; DOODL -3.2, -5.3, -0.4 (birds, dogs, aircraft)"
                         : "");
    }
    print_row(&p, "named right by the judge, %", numbers->right, 100.0, "");
    print_row(&p, "CLIP score by a CLIP that did not guide", numbers->score, 1.0,
              "DOODL over one-step +3.1%, +2.6%");
    json_end(&r->json);
    if (t->csv == NULL)
        return STATUS_OK;
    return text.failed ? error_set(err, STATUS_MEMORY, "no memory for the table")
                       : file_write(t->csv, text.data, text.size, err);
}
