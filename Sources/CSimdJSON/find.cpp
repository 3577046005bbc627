// Finding one's way in a parsed text: members of objects by name, elements of arrays, strings. The text is known to
// be JSON, so nothing is checked twice.
#include "parser.hpp"

#include <cstring>
#include <new>

using csimdjson::tokens;

/// The names, and for each length the first name of that length; `next` leads to the others.
struct csimdjson_names {
    static constexpr size_t length_limit = 64;
    static constexpr size_t count_limit = 64;
    static constexpr uint8_t none = 0xFF;

    struct name {
        uint8_t bytes[length_limit];
        uint8_t next;
    };

    name names[count_limit];
    size_t count = 0;
    uint8_t first[length_limit];

    csimdjson_names() { memset(first, none, sizeof first); }

    bool add(const char *bytes, size_t length)
    {
        if (count == count_limit || length == 0 || length >= length_limit) return false;
        name &added = names[count];
        memcpy(added.bytes, bytes, length);
        added.next = first[length];
        first[length] = uint8_t(count++);
        return true;
    }

    /// `none` also for the length of -1 that is no length.
    uint8_t find(const uint8_t *bytes, size_t length) const
    {
        if (length >= length_limit) return none;
        uint8_t index = first[length];
        while (index != none && memcmp(names[index].bytes, bytes, length) != 0) index = names[index].next;
        return index;
    }
};

namespace {

size_t utf8_count(uint32_t scalar) { return scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4; }

void put_utf8(uint32_t scalar, size_t count, uint8_t *out)
{
    for (size_t i = count - 1; i > 0; --i, scalar >>= 6) out[i] = uint8_t(0x80 | (scalar & 0x3F));
    out[0] = count == 1 ? uint8_t(scalar) : uint8_t(0xF00 >> count | scalar);
}

uint8_t unescaped(uint8_t letter)
{
    switch (letter) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return letter;
    }
}

/// The character that the escape at `string[i]` stands for, and `i` behind it; -1 for half of a surrogate pair.
int32_t read_escape(const uint8_t *string, size_t count, size_t &i)
{
    if (string[i + 1] != 'u') {
        i += 2;
        return unescaped(string[i - 1]);
    }
    int32_t unit = csimdjson::code_unit(string + i + 2);
    i += 6;
    if (csimdjson::is_low_surrogate(unit)) return -1;
    if (!csimdjson::is_high_surrogate(unit)) return unit;
    if (count - i < 6 || string[i] != '\\' || string[i + 1] != 'u') return -1;
    int32_t low = csimdjson::code_unit(string + i + 2);
    i += 6;
    return csimdjson::is_low_surrogate(low) ? 0x10000 + ((unit & 0x3FF) << 10 | (low & 0x3FF)) : -1;
}

/// Writes a string without its escapes; -1 where that is impossible or takes more room.
ptrdiff_t unescape(const uint8_t *string, size_t count, uint8_t *out, size_t room)
{
    size_t written = 0;
    for (size_t i = 0; i < count;) {
        if (string[i] != '\\') {
            if (written == room) return -1;
            out[written++] = string[i++];
            continue;
        }
        int32_t scalar = read_escape(string, count, i);
        if (scalar < 0) return -1;
        size_t bytes = utf8_count(uint32_t(scalar));
        if (room - written < bytes) return -1;
        put_utf8(uint32_t(scalar), bytes, out + written);
        written += bytes;
    }
    return ptrdiff_t(written);
}

uint8_t find_key(const csimdjson_names &names, const uint8_t *key, size_t length, bool may_have_escapes)
{
    if (!may_have_escapes || !memchr(key, '\\', length)) return names.find(key, length);
    uint8_t plain[csimdjson_names::length_limit];
    return names.find(plain, size_t(unescape(key, length, plain, sizeof plain)));
}

/// The token behind the value at `token`.
uint32_t skip_value(const tokens &document, uint32_t token)
{
    uint32_t depth = 0;
    do {
        // 0x20 is what tells { from [ and } from ].
        uint8_t bracket = document[token++] | 0x20;
        depth += bracket == '{';
        depth -= bracket == '}';
    } while (depth > 0);
    return token;
}

}  // namespace

csimdjson_names *csimdjson_names_new(const char *list)
{
    std::unique_ptr<csimdjson_names> names(new (std::nothrow) csimdjson_names());
    if (!names) return nullptr;
    for (const char *name = list;;) {
        size_t length = strcspn(name, " ");
        if (!names->add(name, length)) return nullptr;
        if (name[length] == 0) return names.release();
        name += length + 1;
    }
}

void csimdjson_names_free(csimdjson_names *names)
{
    delete names;
}

void csimdjson_members(
    const csimdjson_parser *parser, uint32_t object, const csimdjson_names *names, uint32_t *values)
{
    for (size_t i = 0; i < names->count; ++i) values[i] = CSIMDJSON_NONE;
    if (csimdjson_first_byte(parser, object) != '{') return;
    tokens document(*parser);
    uint32_t key = object + 1;
    while (document[key] == '"') {
        const uint8_t *name = document.begin(key) + 1;
        size_t length = size_t(document.end(key) - 1 - name);
        uint8_t index = find_key(*names, name, length, parser->has_escapes);
        if (index != csimdjson_names::none) values[index] = key + 2;
        key = skip_value(document, key + 2);
        if (document[key] == ',') ++key;
    }
}

uint32_t csimdjson_first_element(const csimdjson_parser *parser, uint32_t array)
{
    if (array == CSIMDJSON_NONE) return CSIMDJSON_NONE;
    tokens document(*parser);
    return document[array] == '[' && document[array + 1] != ']' ? array + 1 : CSIMDJSON_NONE;
}

uint32_t csimdjson_next_element(const csimdjson_parser *parser, uint32_t element)
{
    tokens document(*parser);
    uint32_t behind = skip_value(document, element);
    return document[behind] == ',' ? behind + 1 : CSIMDJSON_NONE;
}

uint8_t csimdjson_first_byte(const csimdjson_parser *parser, uint32_t token)
{
    return token == CSIMDJSON_NONE ? 0 : tokens(*parser)[token];
}

ptrdiff_t csimdjson_copy_string(const csimdjson_parser *parser, uint32_t token, uint8_t *out, size_t room)
{
    if (csimdjson_first_byte(parser, token) != '"') return -1;
    tokens document(*parser);
    const uint8_t *string = document.begin(token) + 1;
    size_t count = size_t(document.end(token) - 1 - string);
    if (parser->has_escapes && memchr(string, '\\', count)) return unescape(string, count, out, room);
    if (count > room) return -1;
    memcpy(out, string, count);
    return ptrdiff_t(count);
}
