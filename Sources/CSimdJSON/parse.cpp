// Checking a text against RFC 8259.
//
// simdjson works in two stages. The first finds the tokens, checks UTF-8 and refuses control characters in strings;
// it is picked for the processor at run time, in DOM and On-Demand parsers alike. We use it as it is. The second
// stage, which checks the grammar, is ours, because neither of simdjson's fits:
// - DOM refuses integers beyond 64 bits, 1e400 and lone surrogate escapes, all of which are JSON and were signed,
//   and it copies every string and converts every number to build a tree that nobody asks for;
// - On-Demand is compiled into its user, so without -march it unescapes with the slow fallback kernel, and it
//   checks only what it is asked for.
// Measured on an 805-byte callback (clang -O2, AVX-512 kernel; ns): DOM 190, On-Demand visiting everything 505, this
// file 220, and 400 together with finding a callback's ids in find.cpp.
#include "parser.hpp"

#include <cstring>
#include <new>

using csimdjson::tokens;

namespace {

bool is_digit(uint8_t c) { return uint8_t(c - '0') <= 9; }

bool skip_digits(const uint8_t *&p, const uint8_t *end)
{
    const uint8_t *first = p;
    while (p != end && is_digit(*p)) ++p;
    return p != first;
}

/// RFC 8259 §6: `[ "-" ] int [ frac ] [ exp ]`, of any size.
bool is_number(const uint8_t *p, const uint8_t *end)
{
    if (p != end && *p == '-') ++p;
    if (p != end && *p == '0') {
        ++p;
    } else if (!skip_digits(p, end)) {
        return false;
    }
    if (p != end && *p == '.') {
        ++p;
        if (!skip_digits(p, end)) return false;
    }
    if (p != end && (*p | 0x20) == 'e') {
        ++p;
        if (p != end && (*p == '+' || *p == '-')) ++p;
        if (!skip_digits(p, end)) return false;
    }
    return p == end;
}

bool is_literal(const uint8_t *begin, const uint8_t *end, const char *literal, ptrdiff_t count)
{
    return end - begin == count && memcmp(begin, literal, size_t(count)) == 0;
}

/// The escapes of a text, from the first on. One pass over the text finds them all, so a string without any,
/// which is nearly every one, costs a comparison.
struct escapes {
    const uint8_t *next;
    const uint8_t *text_end;
    bool lone_surrogate = false;

    escapes(const uint8_t *text, uint32_t length) : text_end(text + length) { seek(text); }

    bool any() const { return next != text_end; }

    void seek(const uint8_t *from)
    {
        const void *found = memchr(from, '\\', size_t(text_end - from));
        next = found ? static_cast<const uint8_t *>(found) : text_end;
    }

    /// Checks every escape before `end` (RFC 8259 §7). A string ends with a quotation mark, so a backslash in it
    /// always has a byte behind it.
    bool check(const uint8_t *end)
    {
        while (next < end) {
            switch (next[1]) {
            case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
                seek(next + 2);
                break;
            case 'u':
                if (!check_code_unit(end)) return false;
                break;
            default:
                return false;
            }
        }
        return true;
    }

private:
    bool check_code_unit(const uint8_t *end)
    {
        if (end - next < 6) return false;
        int32_t unit = csimdjson::code_unit(next + 2);
        if (unit < 0) return false;
        next += 6;
        if (csimdjson::is_high_surrogate(unit)) {
            if (end - next >= 6 && next[0] == '\\' && next[1] == 'u'
                && csimdjson::is_low_surrogate(csimdjson::code_unit(next + 2))) {
                next += 6;
            } else {
                lone_surrogate = true;
            }
        } else if (csimdjson::is_low_surrogate(unit)) {
            lone_surrogate = true;
        }
        seek(next);
        return true;
    }
};

bool is_scalar(const tokens &document, uint32_t token)
{
    const uint8_t *begin = document.begin(token), *end = document.end(token);
    switch (*begin) {
    case 't': return is_literal(begin, end, "true", 4);
    case 'f': return is_literal(begin, end, "false", 5);
    case 'n': return is_literal(begin, end, "null", 4);
    default: return is_number(begin, end);
    }
}

/// A string's token: the first stage has seen to its ends, its UTF-8 and its control characters. A quotation mark
/// opens a token, and whatever follows the one that closes it, white space apart, is another token.
bool is_string(const tokens &document, uint32_t token, escapes &escapes)
{
    if (document[token] != '"') return false;
    uint32_t behind = token + 1 < document.count ? document.offsets[token + 1] : document.length;
    return escapes.check(document.text + behind);
}

/// What may come next.
enum class expected { value, value_or_end, key, key_or_end, colon, comma_or_end };

/// The objects and arrays that are open, as the brackets that will close them.
struct open_brackets {
    uint8_t closing[CSIMDJSON_DEPTH_LIMIT];
    unsigned depth = 0;

    bool open(uint8_t bracket)
    {
        if (depth == CSIMDJSON_DEPTH_LIMIT) return false;
        closing[depth++] = bracket;
        return true;
    }

    bool close(uint8_t bracket) { return depth > 0 && closing[--depth] == bracket; }
    bool in_object() const { return depth > 0 && closing[depth - 1] == '}'; }
};

bool is_document(const tokens &document, escapes &escapes)
{
    open_brackets brackets;
    expected next = expected::value;
    for (uint32_t token = 0; token < document.count; ++token) {
        uint8_t c = document[token];
        switch (next) {
        case expected::value_or_end:
        case expected::value:
            if (c == '"') {
                if (!is_string(document, token, escapes)) return false;
                next = expected::comma_or_end;
            } else if (c == '{') {
                if (!brackets.open('}')) return false;
                next = expected::key_or_end;
            } else if (c == '[') {
                if (!brackets.open(']')) return false;
                next = expected::value_or_end;
            } else if (c == ']' && next == expected::value_or_end) {
                if (!brackets.close(c)) return false;
                next = expected::comma_or_end;
            } else {
                if (!is_scalar(document, token)) return false;
                next = expected::comma_or_end;
            }
            break;
        case expected::key_or_end:
        case expected::key:
            if (c == '}' && next == expected::key_or_end) {
                if (!brackets.close(c)) return false;
                next = expected::comma_or_end;
            } else {
                if (!is_string(document, token, escapes)) return false;
                next = expected::colon;
            }
            break;
        case expected::colon:
            if (c != ':') return false;
            next = expected::value;
            break;
        case expected::comma_or_end:
            if (c == ',') {
                if (brackets.depth == 0) return false;
                next = brackets.in_object() ? expected::key : expected::value;
            } else if (!brackets.close(c)) {
                return false;
            }
            break;
        }
    }
    return next == expected::comma_or_end && brackets.depth == 0;
}

bool reserve(csimdjson_parser &parser, size_t length)
{
    if (parser.capacity >= length) return true;
    // Powers of two, so that bodies growing slowly do not make a new allocation each.
    size_t capacity = 16 * 1024;
    while (capacity < length) capacity *= 2;
    if (capacity > simdjson::SIMDJSON_MAXSIZE_BYTES) capacity = simdjson::SIMDJSON_MAXSIZE_BYTES;
    parser.capacity = 0;
    parser.text.reset(new (std::nothrow) uint8_t[capacity + simdjson::SIMDJSON_PADDING]);
    // A depth of 1, for a second stage that is never run.
    if (!parser.text
        || simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, parser.kernel)
            != simdjson::SUCCESS) {
        return false;
    }
    parser.capacity = capacity;
    return true;
}

}  // namespace

csimdjson_parser *csimdjson_parser_new(void)
{
    return new (std::nothrow) csimdjson_parser();
}

void csimdjson_parser_free(csimdjson_parser *parser)
{
    delete parser;
}

csimdjson_verdict csimdjson_parse(csimdjson_parser *parser, const uint8_t *text, size_t length)
{
    if (length == 0 || length > simdjson::SIMDJSON_MAXSIZE_BYTES) return CSIMDJSON_INVALID;
    if (!reserve(*parser, length)) return CSIMDJSON_OUT_OF_MEMORY;
    uint8_t *copy = parser->text.get();
    memcpy(copy, text, length);
    memset(copy + length, ' ', simdjson::SIMDJSON_PADDING);
    if (parser->kernel->stage1(copy, length, simdjson::stage1_mode::regular) != simdjson::SUCCESS) {
        return CSIMDJSON_INVALID;
    }
    parser->length = uint32_t(length);
    escapes escapes(copy, parser->length);
    parser->has_escapes = escapes.any();
    if (!is_document(tokens(*parser), escapes)) return CSIMDJSON_INVALID;
    return escapes.lone_surrogate ? CSIMDJSON_VALID_WITH_LONE_SURROGATE : CSIMDJSON_VALID;
}
