#include "io/pickle_globals.h"

#include <stddef.h>
#include <string.h>

/* Tensors need the first part.  The second stands in published Stable Diffusion checkpoints beside their tensors
 * (what the training program was doing when it saved); nothing is made of it. */
static const struct {
    const char *name;
    GlobalUse use;
} GLOBALS[] = {
    {"collections.OrderedDict", GLOBAL_DICT},
    {"torch._utils._rebuild_tensor_v2", GLOBAL_CALL},
    {"torch._utils._rebuild_parameter", GLOBAL_CALL},
    {"torch.DoubleStorage", GLOBAL_NAME},
    {"torch.FloatStorage", GLOBAL_NAME},
    {"torch.HalfStorage", GLOBAL_NAME},
    {"torch.BFloat16Storage", GLOBAL_NAME},
    {"torch.LongStorage", GLOBAL_NAME},
    {"torch.IntStorage", GLOBAL_NAME},
    {"torch.ShortStorage", GLOBAL_NAME},
    {"torch.CharStorage", GLOBAL_NAME},
    {"torch.ByteStorage", GLOBAL_NAME},
    {"torch.BoolStorage", GLOBAL_NAME},

    {"pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint", GLOBAL_NAME},
    {"numpy.core.multiarray.scalar", GLOBAL_CALL},
    {"numpy.dtype", GLOBAL_CALL},
    {"_codecs.encode", GLOBAL_CALL},
};

GlobalUse pickle_global(const char **out, const char *name)
{
    for (size_t i = 0; i < sizeof GLOBALS / sizeof GLOBALS[0]; i++)
        if (strcmp(GLOBALS[i].name, name) == 0) {
            *out = GLOBALS[i].name;
            return GLOBALS[i].use;
        }
    return GLOBAL_REFUSED;
}

/* Python's Lib/pickletools.py, in the order of the codes. */
static const struct {
    unsigned char code;
    const char *name;
} OPCODES[] = {
    {'(', "MARK"},          {')', "EMPTY_TUPLE"},
    {'.', "STOP"},          {'0', "POP"},
    {'1', "POP_MARK"},      {'2', "DUP"},
    {'B', "BINBYTES"},      {'C', "SHORT_BINBYTES"},
    {'F', "FLOAT"},         {'G', "BINFLOAT"},
    {'I', "INT"},           {'J', "BININT"},
    {'K', "BININT1"},       {'L', "LONG"},
    {'M', "BININT2"},       {'N', "NONE"},
    {'P', "PERSID"},        {'Q', "BINPERSID"},
    {'R', "REDUCE"},        {'S', "STRING"},
    {'T', "BINSTRING"},     {'U', "SHORT_BINSTRING"},
    {'V', "UNICODE"},       {'X', "BINUNICODE"},
    {']', "EMPTY_LIST"},    {'a', "APPEND"},
    {'b', "BUILD"},         {'c', "GLOBAL"},
    {'d', "DICT"},          {'e', "APPENDS"},
    {'g', "GET"},           {'h', "BINGET"},
    {'i', "INST"},          {'j', "LONG_BINGET"},
    {'l', "LIST"},          {'o', "OBJ"},
    {'p', "PUT"},           {'q', "BINPUT"},
    {'r', "LONG_BINPUT"},   {'s', "SETITEM"},
    {'t', "TUPLE"},         {'u', "SETITEMS"},
    {'}', "EMPTY_DICT"},    {0x80, "PROTO"},
    {0x81, "NEWOBJ"},       {0x82, "EXT1"},
    {0x83, "EXT2"},         {0x84, "EXT4"},
    {0x85, "TUPLE1"},       {0x86, "TUPLE2"},
    {0x87, "TUPLE3"},       {0x88, "NEWTRUE"},
    {0x89, "NEWFALSE"},     {0x8a, "LONG1"},
    {0x8b, "LONG4"},        {0x8c, "SHORT_BINUNICODE"},
    {0x8d, "BINUNICODE8"},  {0x8e, "BINBYTES8"},
    {0x8f, "EMPTY_SET"},    {0x90, "ADDITEMS"},
    {0x91, "FROZENSET"},    {0x92, "NEWOBJ_EX"},
    {0x93, "STACK_GLOBAL"}, {0x94, "MEMOIZE"},
    {0x95, "FRAME"},        {0x96, "BYTEARRAY8"},
    {0x97, "NEXT_BUFFER"},  {0x98, "READONLY_BUFFER"},
};

const char *pickle_opcode_name(unsigned char code)
{
    for (size_t i = 0; i < sizeof OPCODES / sizeof OPCODES[0]; i++)
        if (OPCODES[i].code == code)
            return OPCODES[i].name;
    return NULL;
}
