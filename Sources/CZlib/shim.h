// zlib, for compressing rotated files.
#pragma once
#include <zlib.h>
