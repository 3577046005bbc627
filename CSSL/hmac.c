#include "cssl.h"
