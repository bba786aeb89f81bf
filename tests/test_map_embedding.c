#include "metrics/map_embedding.h"

#include "tests/gradcheck.h"

/* Two channels of 1 x 2: f = (1, 3), (2, 6). */
static void test_by_hand(void)
{
    const float map[4] = {1, 3, 2, 6};
    float out[3];
    CHECK(map_embedding_count(MAP_LOCATION, 2, 1, 2) == 2);
    CHECK(map_embedding_count(MAP_STYLE_OUTER, 64, 73, 73) == 2080);
    CHECK(map_embedding_count(MAP_LOCATION, 192, 35, 35) == 1225);
    map_embedding(out, MAP_LOCATION, map, 2, 1, 2);
    CHECK(out[0] == 1.5f && out[1] == 4.5f);
    map_embedding(out, MAP_STYLE_OUTER, map, 2, 1, 2); /* g = 2, 4 */
    CHECK(out[0] == 4.0f && out[1] == 8.0f && out[2] == 16.0f);
    map_embedding(out, MAP_STYLE_GRAM, map, 2, 1, 2); /* (1+9)/2, (2+18)/2, (4+36)/2 */
    CHECK(out[0] == 5.0f && out[1] == 10.0f && out[2] == 20.0f);
}

/* What is told apart: styles do not see where, locations do not see what. */
static void test_invariants(void)
{
    enum { C = 5, H = 3, W = 4, S = C * (C + 1) / 2 };
    float map[C * H * W], turned[C * H * W], a[S], b[S], where[H * W], flat[C * H * W];
    test_fill(map, C * H * W, 1);
    for (int c = 0; c < C; c++)
        for (int p = 0; p < H * W; p++) {
            turned[c * H * W + p] = map[(C - 1 - c) * H * W + H * W - 1 - p];
            flat[c * H * W + p] = (float)c - 2.0f;
        }
    map_embedding(a, MAP_STYLE_OUTER, map, C, H, W);
    map_embedding(b, MAP_STYLE_GRAM, map, C, H, W);
    for (int i = 0, at = 0; i < C; at += C - i, i++)
        CHECK(b[at] >= a[at]); /* the diagonal */
    map_embedding(a, MAP_LOCATION, map, C, H, W);
    map_embedding(where, MAP_LOCATION, turned, C, H, W);
    for (int p = 0; p < H * W; p++)
        CHECK_NEAR(a[p], where[H * W - 1 - p], 1e-6);
    map_embedding(a, MAP_STYLE_OUTER, flat, C, H, W);
    map_embedding(b, MAP_STYLE_GRAM, flat, C, H, W);
    for (int k = 0; k < S; k++)
        CHECK(a[k] == b[k]);
}

int main(void)
{
    test_by_hand();
    test_invariants();
    return check_report("map_embedding");
}
