/* cli/fid_curve.h - the Fréchet distance against the number of pictures, and where it would end without bias.
 *
 * Estimated from n pictures the distance is too large by about b / n [Cho20].  Both sets grow in tenths: group g takes the
 * pictures i with i mod 10 <= g, so that each tenth is spread over the set; y = a + b / n is fitted by least
 * squares to the points of half the pictures and more, n the smaller set's number, and a is the distance of endless sets. */
#ifndef CLI_FID_CURVE_H
#define CLI_FID_CURVE_H

#include "cli/metric_side.h"

enum { FID_POINTS = 10 };

typedef struct {
    int points;           /* those with 2 pictures or more of each set */
    double n[FID_POINTS]; /* of the smaller set */
    double distance[FID_POINTS];
    int fitted;        /* the last so many */
    double end, slope; /* a and b; NaN for less than 2 points */
} FidCurve;

/* The points, from two sets of pictures; their side's sums and features are then those of all pictures, the same bits as
 * metric_side_sums gives. */
MUST_CHECK Status fid_curve(FidCurve *out, MetricSide side[2], const FeatureNetwork *network, Arena *arena,
                            Arena *scratch, Error *err);

/* The plot, and the members "extrapolated" and "curve" of the open object. */
MUST_CHECK Status fid_curve_plot(const FidCurve *c, const char *path, const char *title, Arena *scratch,
                                 Error *err);
void fid_curve_report(const FidCurve *c, const char *name, Result *r);

#endif
