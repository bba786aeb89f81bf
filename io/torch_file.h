/* io/torch_file.h - the tensors of a zip that torch.save wrote (.ckpt, .pt, .pth since PyTorch 1.6).
 *
 *   NAME/data.pkl     a pickle: dictionaries whose tensors are calls of torch._utils._rebuild_tensor_v2 with a
 *                     storage's key, first number, shape and strides
 *   NAME/data/KEY     the numbers of a storage, little-endian, stored as they are; tensors may share one
 *   NAME/byteorder    "little", or absent
 *
 * Taken are the tensors of the dictionary under "state_dict", or of the outermost one when it has none; those of
 * dictionaries inside it have names joined by points.  All else (step counts, optimizer settings) is passed over.
 * Nothing of the pickle is executed (io/pickle.h).  Used by io/tensor_archive.c; others open files there.
 * Source: pytorch, torch/serialization.py (_save, _load) and torch/_utils.py (_rebuild_tensor_v2). */
#ifndef IO_TORCH_FILE_H
#define IO_TORCH_FILE_H

#include "io/tensor_archive.h"
#include "io/zip.h"

MUST_CHECK Status torch_file_tensors(TensorArchive *out, const Zip *zip, Arena *arena, Error *err);

#endif
