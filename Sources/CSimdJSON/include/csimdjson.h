// JSON, checked and found one's way in: libsimdjson in the shape Swift wants it. What a callback is, and which of
// its members matter, is decided in Sources/Events; nothing of that is known here.
//
// A text is parsed once into tokens: one for each of { } [ ] : , and for each string, number, true, false and null,
// in their order. A token is a plain number, and token 0 is the value that is the whole text. The functions hand back
// tokens and copies, never pointers, so nothing can outlive anything.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// Memory for one text at a time, kept from one to the next. For one thread at a time.
typedef struct csimdjson_parser csimdjson_parser;

/// NULL when memory is exhausted.
csimdjson_parser *_Nullable csimdjson_parser_new(void);
void csimdjson_parser_free(csimdjson_parser *_Nullable parser);

/// What `csimdjson_parse` found the text to be.
typedef enum csimdjson_verdict {
    /// Not JSON by RFC 8259, not UTF-8, or nested more than `CSIMDJSON_DEPTH_LIMIT` deep.
    CSIMDJSON_INVALID = 0,
    /// JSON that every parser reads.
    CSIMDJSON_VALID = 1,
    /// JSON by its grammar, but a \u escape in it is half of a surrogate pair, which stands for no character
    /// (RFC 8259 §8.2: what a reader makes of that is unpredictable; many refuse the whole document).
    CSIMDJSON_VALID_WITH_LONE_SURROGATE = 2,
    /// Memory was exhausted: nothing is known about the text.
    CSIMDJSON_OUT_OF_MEMORY = 3,
} csimdjson_verdict;

enum {
    /// Objects and arrays may be nested this deep. A text that holds this one as a member is one deeper:
    /// there are readers that stop at 512 (Foundation's JSONSerialization, PHP).
    CSIMDJSON_DEPTH_LIMIT = 500,
};

/// No such token.
#define CSIMDJSON_NONE UINT32_MAX

/// Checks all of `text` against RFC 8259: numbers of any size, escapes, literals, UTF-8, nothing behind the value.
///
/// The text is copied, so it need not outlive the call, and none of the padding that simdjson wants is asked for.
/// Texts of 4 GiB and more are CSIMDJSON_INVALID.
csimdjson_verdict csimdjson_parse(csimdjson_parser *parser, const uint8_t *_Nullable text, size_t length)
    __attribute__((warn_unused_result));

// The functions below are about the text parsed last, and only if its verdict was one of the valid ones.

/// Names to look for among the keys of an object. Never written after creation: any thread may use it.
typedef struct csimdjson_names csimdjson_names;

/// The names in `list`, separated by single spaces, without repeats; none is longer than 63 bytes.
/// NULL when memory is exhausted or the list is not like that.
csimdjson_names *_Nullable csimdjson_names_new(const char *list);
void csimdjson_names_free(csimdjson_names *_Nullable names);

/// For each name the token of the member's value in `object`, CSIMDJSON_NONE where there is none. Of repeated keys
/// the last counts, as in most readers, and a key spelled with escapes is the same key. All are CSIMDJSON_NONE
/// where `object` is not an object. `values` has room for as many as there are names.
void csimdjson_members(
    const csimdjson_parser *parser, uint32_t object, const csimdjson_names *names, uint32_t *values);

/// The token of the first element of `array`; CSIMDJSON_NONE where it is empty or no array.
uint32_t csimdjson_first_element(const csimdjson_parser *parser, uint32_t array);

/// The token of the element behind `element`, which must be one of an array's; CSIMDJSON_NONE behind the last.
uint32_t csimdjson_next_element(const csimdjson_parser *parser, uint32_t element);

/// The byte that the value at `token` begins with, which tells what it is; 0 for CSIMDJSON_NONE.
uint8_t csimdjson_first_byte(const csimdjson_parser *parser, uint32_t token);

/// Copies the string at `token` without its escapes to `out`, which has room for `room` bytes.
///
/// Returns how many bytes of UTF-8 it came to. -1, with `out` in any state, where something else than a string
/// is there, `token` is CSIMDJSON_NONE, the room is too small, or half of a surrogate pair stands in the string,
/// which UTF-8 cannot express.
ptrdiff_t csimdjson_copy_string(const csimdjson_parser *parser, uint32_t token, uint8_t *out, size_t room);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
