// The parser's memory, and what parsing and finding share: where a token begins and where it ends.
#pragma once

#include "csimdjson.h"

#include <memory>
#include <simdjson.h>

struct csimdjson_parser {
    /// simdjson's kernel for this processor, and the tokens that it found.
    std::unique_ptr<simdjson::internal::dom_parser_implementation> kernel;
    /// A copy of the text parsed last, with white space behind it. Not every kernel keeps within the text (the
    /// fallback one reads a few bytes more), and what lies behind it must not decide anything.
    std::unique_ptr<uint8_t[]> text;
    size_t capacity = 0;
    uint32_t length = 0;
    /// Whether there is a backslash anywhere in it.
    bool has_escapes = false;
};

namespace csimdjson {

/// A parsed text and its tokens.
struct tokens {
    const uint8_t *text;
    const uint32_t *offsets;
    uint32_t count;
    uint32_t length;

    explicit tokens(const csimdjson_parser &parser)
        : text(parser.text.get()), offsets(parser.kernel->structural_indexes.get()),
          count(parser.kernel->n_structural_indexes), length(parser.length) {}

    /// The byte that a token begins with tells what it is.
    uint8_t operator[](uint32_t token) const { return text[offsets[token]]; }
    const uint8_t *begin(uint32_t token) const { return text + offsets[token]; }

    /// The first byte behind a token that is not white space.
    const uint8_t *end(uint32_t token) const
    {
        const uint8_t *end = text + (token + 1 < count ? offsets[token + 1] : length);
        while (is_space(end[-1])) --end;
        return end;
    }

    /// RFC 8259 §2.
    static bool is_space(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
};

/// The code unit that four hexadecimal digits spell; -1 where they are none.
inline int32_t code_unit(const uint8_t *digits)
{
    int32_t unit = 0;
    for (int i = 0; i < 4; ++i) {
        uint8_t c = digits[i], lower = uint8_t(c | 0x20);
        int32_t digit = uint8_t(c - '0') <= 9 ? c - '0' : uint8_t(lower - 'a') <= 5 ? lower - 'a' + 10 : -1;
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

inline bool is_high_surrogate(int32_t unit) { return (unit & ~0x3FF) == 0xD800; }
inline bool is_low_surrogate(int32_t unit) { return (unit & ~0x3FF) == 0xDC00; }

}  // namespace csimdjson
