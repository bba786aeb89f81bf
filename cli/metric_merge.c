#include "cli/metric_merge.h"

#include <string.h>

#include "base/file.h"
#include "base/folder_list.h"
#include "metrics/statistics_file.h"

typedef struct {
    Arena *arena, *scratch;
    const char *first; /* the name of the first file */
    StatisticsFile sum;
    int *shard; /* of each file */
    size_t count, room;
} Merge;

static Status add_file(Merge *m, const char *path, Error *err)
{
    StatisticsFile file;
    if (m->count == m->room) {
        const size_t room = 2 * m->room + 64;
        int *shard = arena_raw(m->arena, room, sizeof *shard);
        if (shard == NULL)
            return error_set(err, STATUS_MEMORY, "metric merge: no memory for %zu files", room);
        if (m->count > 0)
            memcpy(shard, m->shard, m->count * sizeof *shard);
        m->shard = shard;
        m->room = room;
    }
    const ArenaMark mark = arena_mark(m->scratch);
    Status status = statistics_file_read(&file, path, true, m->count == 0 ? m->arena : m->scratch, err);
    if (status != STATUS_OK)
        return status;
    if (m->count == 0) {
        m->first = path;
        m->sum = file;
        if (!file.has_sums || file.recipe == NULL)
            return error_set(
                err, STATUS_ARGUMENT,
                "%.150s has mean and covariance alone, which cannot be joined without rounding", path);
    } else {
        status = statistics_file_join(&m->sum, &file, m->first, path, err);
    }
    m->shard[m->count++] = file.shard;
    arena_release(m->scratch, mark);
    return status;
}

static Status add_word(Merge *m, const char *word, Error *err)
{
    const char *const *names;
    size_t count;
    if (!is_folder(word))
        return add_file(m, word, err);
    Status status = folder_list(&names, &count, word, is_statistics_file, m->arena, err);
    if (status == STATUS_OK && count == 0)
        return error_set(err, STATUS_FILE, "metric merge: %.150s holds no .npz", word);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const char *path = path_join(m->arena, word, names[i]);
        status = path != NULL ? add_file(m, path, err)
                              : error_set(err, STATUS_MEMORY, "metric merge: no memory for a file name");
    }
    return status;
}

Status metric_merge(Command *c, const char *out, Arena *scratch, Error *err)
{
    Merge m = {.arena = &c->arena, .scratch = scratch};
    if (out == NULL || !is_statistics_file(out))
        return error_set(err, STATUS_ARGUMENT, "metric merge: --stats FILE.npz says what to write");
    Status status = STATUS_OK;
    for (int i = 1; i < c->options.word_count && status == STATUS_OK; i++)
        status = add_word(&m, c->options.words[i], err);
    if (status == STATUS_OK)
        status = shards_are_whole(m.shard, m.count, m.sum.shards, err);
    if (status != STATUS_OK)
        return status;
    m.sum.shard = m.sum.shards = 1;
    status = statistics_file_write(out, &m.sum, &c->arena, err);
    if (status != STATUS_OK)
        return status;
    result_line(&c->result, "%zu file%s, %llu pictures\nfeatures: %s\n", m.count, m.count == 1 ? "" : "s",
                (unsigned long long)m.sum.sums.n, m.sum.recipe);
    json_write_uint64(&c->result.json, "merged", m.count);
    json_write_uint64(&c->result.json, "count", m.sum.sums.n);
    json_write_text(&c->result.json, "features", m.sum.recipe);
    result_file(&c->result, out);
    return STATUS_OK;
}
