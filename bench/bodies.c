/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define _POSIX_C_SOURCE  200809L

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zlib.h>

#include "bodies.h"


typedef struct {
    unsigned char  *data;
    size_t          len;
    size_t          size;
    uint64_t        seed;
    char            from[16];               /* the report's day */
} out_t;

typedef void (*writer_pt)(out_t *out, size_t size);
typedef void (*item_pt)(out_t *out, unsigned long n);


/*
 * Bytes and chance
 */

static unsigned char *
room(out_t *out, size_t len)
{
    if (out->size - out->len < len) {
        out->size = 2 * out->size + len + 4096;
        out->data = realloc(out->data, out->size);

        if (out->data == NULL) {
            abort();
        }
    }

    return out->data + out->len;
}


static void
put(out_t *out, const void *bytes, size_t len)
{
    memcpy(room(out, len), bytes, len);
    out->len += len;
}


static void
put_str(out_t *out, const char *s)
{
    put(out, s, strlen(s));
}


__attribute__((format(printf, 2, 3)))
static void
add(out_t *out, const char *format, ...)
{
    va_list  args;
    char     text[4096];
    int      n;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    put(out, text, (size_t) n);
}


/* splitmix64 */

static uint64_t
chance(out_t *out)
{
    uint64_t  x = out->seed += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);

    return x ^ x >> 31;
}


static unsigned
pick(out_t *out, unsigned n)
{
    return (unsigned) (chance(out) % n);
}


/*
 * The frame of a report: its head, policies, and the end of all
 */

static void
begin_report(out_t *out)
{
    add(out, "{\"organization-name\":\"Example Sender\",\"date-range\":{"
        "\"start-datetime\":\"%sT00:00:00Z\",\"end-datetime\":"
        "\"%sT23:59:59Z\"},\"contact-info\":\"tls@sender.example\","
        "\"report-id\":\"%08lx\"", out->from, out->from,
        (unsigned long) (chance(out) & 0xffffffff));
}


static void
begin_policies(out_t *out)
{
    begin_report(out);
    put_str(out, ",\"policies\":[");
}


#define SUMMARY                                                               \
    "\"summary\":{\"total-successful-session-count\":1,"                      \
    "\"total-failure-session-count\":1}"

static void
begin_details(out_t *out)
{
    begin_policies(out);
    put_str(out, "{\"policy\":{\"policy-type\":\"no-policy-found\","
            "\"policy-domain\":\"d1.bench.example\"}," SUMMARY
            ",\"failure-details\":[");
}


/* item, item, ... up to the size */

static void
fill(out_t *out, size_t size, item_pt item)
{
    unsigned long  n = 0;

    do {
        if (n) {
            put_str(out, ",");
        }

        item(out, n++);
    } while (out->len < size);
}


static void
details(out_t *out, size_t size, item_pt item)
{
    begin_details(out);
    fill(out, size, item);
    put_str(out, "]}]}");
}


static void
policies(out_t *out, size_t size, item_pt item)
{
    begin_policies(out);
    fill(out, size, item);
    put_str(out, "]}");
}


/* An unknown member first, then a report. */

static void
unknown(out_t *out, size_t size, item_pt item)
{
    begin_report(out);
    put_str(out, ",\"x\":[");
    fill(out, size, item);
    put_str(out, "],\"policies\":[{\"policy\":{\"policy-type\":"
            "\"no-policy-found\",\"policy-domain\":\"d1.bench.example\"},"
            SUMMARY "}]}");
}


/* Nothing of a report at all. */

static void
alien(out_t *out, size_t size, item_pt item)
{
    put_str(out, "{\"x\":[");
    fill(out, size, item);
    put_str(out, "]}");
}


/* The strings of a policy. */

static void
strings(out_t *out, size_t size, const char *member, item_pt item)
{
    begin_policies(out);
    add(out, "{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":"
        "\"d1.bench.example\",\"%s\":[", member);
    fill(out, size, item);
    put_str(out, "]}," SUMMARY "}]}");
}


/*
 * Honest ones
 */

static const char *const  results[] = {
    "certificate-expired", "starttls-not-supported",
    "certificate-host-mismatch", "validation-failure",
    "sts-webpki-invalid", "certificate-not-trusted"
};

static const char *const  reasons[] = {
    "X509_V_ERR_CERT_HAS_EXPIRED", "454 TLS not available",
    "no shared cipher", "timeout after STARTTLS"
};


static void
honest_detail(out_t *out, unsigned long n)
{
    unsigned  mx = (unsigned) n % 3 + 1;

    add(out, "{\"result-type\":\"%s\",\"sending-mta-ip\":",
        results[pick(out, 6)]);

    if (n % 2) {
        add(out, "\"2001:db8:%x::%x\"", pick(out, 16), pick(out, 65536));
    } else {
        add(out, "\"192.0.2.%u\"", pick(out, 256));
    }

    add(out, ",\"receiving-mx-hostname\":\"mx%u.d1.bench.example\","
        "\"receiving-ip\":\"198.51.100.%u\",\"failed-session-count\":%u,"
        "\"additional-information\":\"https://example.net/%08x\","
        "\"failure-reason-code\":\"%s\"}", mx, 10 * mx, pick(out, 97) + 1,
        pick(out, ~0u), reasons[pick(out, 4)]);
}


/* Each session told by itself, as some senders do. */

static void
honest_session(out_t *out, unsigned long n)
{
    (void) n;

    add(out, "{\"result-type\":\"certificate-expired\",\"sending-mta-ip\":"
        "\"192.0.2.%u\",\"receiving-mx-hostname\":\"mx%u.d1.bench.example\","
        "\"receiving-ip\":\"198.51.100.%u\",\"failed-session-count\":1,"
        "\"failure-reason-code\":\"X509_V_ERR_CERT_HAS_EXPIRED\"}",
        pick(out, 8) + 1, pick(out, 2) + 1, pick(out, 2) + 1);
}


/* Members absent, upper case, blanks: a warning each. */

static void
honest_sloppy(out_t *out, unsigned long n)
{
    (void) n;

    add(out, "\n        {\n          \"result-type\": \"Certificate-Expired\","
        "\n          \"sending-mta-ip\": \"192.0.2.%u\","
        "\n          \"receiving-mx-hostname\": \"MX%u.d1.bench.example.\","
        "\n          \"failed-session-count\": \"%u\"\n        }",
        pick(out, 200) + 1, pick(out, 4), pick(out, 90) + 1);
}


static void
honest_policy(out_t *out, unsigned long n)
{
    add(out, "{\"policy\":{\"policy-type\":\"sts\",\"policy-string\":["
        "\"version: STSv1\",\"mode: enforce\",\"mx: *.d%lu.d1.bench.example\","
        "\"max_age: 1209600\"],\"policy-domain\":\"d%lu.d1.bench.example\","
        "\"mx-host\":[\"*.d%lu.d1.bench.example\"]},\"summary\":{"
        "\"total-successful-session-count\":%u,"
        "\"total-failure-session-count\":0}}", n % 64, n % 64, n % 64,
        pick(out, 9000));
}


static void
honest_details_text(out_t *out, size_t size)
{
    details(out, size, honest_detail);
}

static void
honest_sessions_text(out_t *out, size_t size)
{
    details(out, size, honest_session);
}

static void
honest_sloppy_text(out_t *out, size_t size)
{
    details(out, size, honest_sloppy);
}

static void
honest_policies_text(out_t *out, size_t size)
{
    policies(out, size < 16384 ? size : 16384, honest_policy);
}

static const writer_pt  honest[] = {
    honest_details_text, honest_sessions_text, honest_sloppy_text,
    honest_policies_text
};


/*
 * Items, each the dearest of its kind
 */

#define CONSTANT(name, text)                                                  \
    static void                                                               \
    item_##name(out_t *out, unsigned long n)                                  \
    {                                                                         \
        (void) n;                                                             \
        put_str(out, text);                                                   \
    }

CONSTANT(object, "{}")
CONSTANT(array, "[]")
CONSTANT(digit, "1")
CONSTANT(null, "null")
CONSTANT(empty, "\"\"")
CONSTANT(aliases, "{\"additional-info-uri\":\"a\",\"receiving-mx-host-name\":"
         "\"b\",\"receiving-mx-hostname\":\"c\",\"additional-information\":1}")
CONSTANT(reversed, "{\"failure-reason-code\":\"r\",\"failed-session-count\":1,"
         "\"receiving-ip\":\"1.2.3.4\",\"receiving-mx-helo\":\"h\","
         "\"receiving-mx-hostname\":\"m\",\"sending-mta-ip\":\"1.2.3.4\","
         "\"result-type\":\"r\"}")
CONSTANT(escaped, "{\"\\u0072esult-type\":\"\\u0072\","
         "\"\\u0073ending-mta-ip\":\"\\u0031.2.3.4\"}")
CONSTANT(upper, "{\"result-type\":\"A\",\"sending-mta-ip\":\"x\","
         "\"receiving-mx-hostname\":\"A.\",\"failed-session-count\":\"1\"}")
CONSTANT(bad_ip, "{\"sending-mta-ip\":\"::1.\",\"receiving-ip\":\"1.2.3\"}")
CONSTANT(line, "\"a\"")
CONSTANT(wrapped, "\"[\\\"a\\\"]\"")
CONSTANT(wrapped_many, "\"[[],[],[],[],[],[],[],[],[],[],[],[],[],[]]\"")
CONSTANT(unwrappable, "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"")
CONSTANT(lines, "\"a\\na\\na\\na\\na\\na\\na\\na\\na\\na\\na\\na\\na\\na\"")
CONSTANT(policy, "{\"policy\":{\"policy-domain\":\"d1.bench.example\"},"
         "\"summary\":{\"total-successful-session-count\":1}}")


static void
item_wide(out_t *out, unsigned long n)
{
    /* names that differ in their middle alone */
    put_str(out, "{");
    for (unsigned i = 0; i < 256; i++) {
        add(out, "%s\"aaaaaaaa%03xaaaaaaaa\":1", i ? "," : "", i);
    }
    put_str(out, "}");
    (void) n;
}


static void
item_short(out_t *out, unsigned long n)
{
    /* as short as 256 names may be */
    put_str(out, "{");
    for (unsigned i = 0; i < 256; i++) {
        add(out, "%s\"%02x\":1", i ? "," : "", i);
    }
    put_str(out, "}");
    (void) n;
}


static void
item_twice(out_t *out, unsigned long n)
{
    add(out, "{\"%lu\":1,\"a\":1}", n % 10);
}


static void
item_deep(out_t *out, unsigned long n)
{
    (void) n;
    put_str(out, "[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]");
}


static void
item_deep_objects(out_t *out, unsigned long n)
{
    (void) n;

    for (int i = 0; i < 26; i++) {
        put_str(out, "{\"\":");
    }

    put_str(out, "1}}}}}}}}}}}}}}}}}}}}}}}}}}");
}


static void
repeat_in_string(out_t *out, const char *s, unsigned times)
{
    put_str(out, "\"");
    while (times--) {
        put_str(out, s);
    }
    put_str(out, "\"");
}


static void
item_escapes(out_t *out, unsigned long n)
{
    (void) n;
    repeat_in_string(out, "\\u00e9", 5000);
}


static void
item_short_escapes(out_t *out, unsigned long n)
{
    (void) n;
    repeat_in_string(out, "\\n", 15000);
}


static void
item_surrogates(out_t *out, unsigned long n)
{
    (void) n;
    repeat_in_string(out, "\\ud83d\\ude00", 4000);
}


static void
item_mixed_utf8(out_t *out, unsigned long n)
{
    (void) n;
    repeat_in_string(out, "a\xc3\xa9", 10000);
}


static void
item_helo(out_t *out, unsigned long n)
{
    (void) n;
    put_str(out, "{\"receiving-mx-helo\":");
    repeat_in_string(out, "\\n", 400);
    put_str(out, "}");
}


static void
item_number(out_t *out, unsigned long n)
{
    (void) n;
    put_str(out, "0.");
    for (unsigned i = 0; i < 1000; i++) {
        put_str(out, "1");
    }
}


static void
item_idn(out_t *out, unsigned long n)
{
    add(out, "{\"receiving-mx-hostname\":\"\xc3\xbc%lx\"}", n);
}


static void
item_idn_long(out_t *out, unsigned long n)
{
    add(out, "{\"receiving-mx-hostname\":\"%lx", n);
    for (int i = 0; i < 24; i++) {
        put_str(out, ".\xe4\xb8\xad\xe5\x9b\xbd");
    }
    put_str(out, "\"}");
}


static void
item_idn_policy(out_t *out, unsigned long n)
{
    (void) n;
    add(out, "{\"policy\":{\"policy-domain\":\"\xc3\xbc%u.d1.bench.example\"},"
        "\"summary\":{\"total-successful-session-count\":1}}", pick(out, 16));
}


static void
item_hosts(out_t *out, unsigned long n)
{
    add(out, "{\"receiving-mx-hostname\":\"%lx\"}", n);
}


static void
item_addresses(out_t *out, unsigned long n)
{
    add(out, "{\"sending-mta-ip\":\"::%lx:0:0:0:1\"}", n & 0xffff);
}


static void
item_reasons(out_t *out, unsigned long n)
{
    add(out, "{\"failure-reason-code\":\"%lu\",\"result-type\":\"%lu\"}", n, n);
}


static void
item_unknown_members(out_t *out, unsigned long n)
{
    (void) n;
    put_str(out, "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1}");
}


static void
item_domains(out_t *out, unsigned long n)
{
    add(out, "{\"policy\":{\"policy-domain\":\"%lu.bench.example\"},"
        "\"summary\":{\"total-successful-session-count\":1}}", n % 64);
}


static void
item_new_type(out_t *out, unsigned long n)
{
    add(out, "{\"policy\":{\"policy-domain\":\"d1.bench.example\","
        "\"policy-type\":\"%lu\"},\"summary\":{"
        "\"total-successful-session-count\":1}}", n);
}


/*
 * Families
 */

#define IN(where, name)                                                       \
    static void                                                               \
    where##_##name(out_t *out, size_t size)                                   \
    {                                                                         \
        where(out, size, item_##name);                                        \
    }

IN(unknown, wide)        IN(alien, wide)       IN(unknown, short)
IN(alien, short)         IN(details, wide)     IN(details, short)
IN(unknown, twice)       IN(unknown, deep)     IN(alien, deep)
IN(unknown, deep_objects)  IN(unknown, object) IN(alien, object)
IN(unknown, array)       IN(unknown, digit)    IN(unknown, null)
IN(unknown, empty)       IN(unknown, escapes)  IN(alien, escapes)
IN(unknown, short_escapes)  IN(unknown, surrogates)
IN(unknown, mixed_utf8)  IN(unknown, number)   IN(details, object)
IN(details, array)       IN(details, digit)    IN(details, aliases)
IN(details, reversed)    IN(details, escaped)  IN(details, upper)
IN(details, bad_ip)      IN(details, helo)     IN(details, idn)
IN(details, idn_long)    IN(details, hosts)    IN(details, addresses)
IN(details, reasons)     IN(details, unknown_members)
IN(policies, policy)     IN(policies, domains) IN(policies, new_type)
IN(policies, idn_policy) IN(policies, object)

#define STRINGS(name)                                                         \
    static void                                                               \
    policy_##name(out_t *out, size_t size)                                    \
    {                                                                         \
        strings(out, size, "policy-string", item_##name);                     \
    }

STRINGS(line)  STRINGS(wrapped)  STRINGS(wrapped_many)  STRINGS(unwrappable)
STRINGS(lines) STRINGS(digit)    STRINGS(empty)


static void
mx_host_line(out_t *out, size_t size)
{
    strings(out, size, "mx-host", item_line);
}


static void
spaces_before(out_t *out, size_t size)
{
    memset(room(out, size), ' ', size);
    out->len += size;
    policies(out, 0, item_policy);
}


static void
spaces_within(out_t *out, size_t size)
{
    begin_policies(out);
    memset(room(out, size), '\n', size);
    out->len += size;
    fill(out, 0, item_policy);
    put_str(out, "]}");
}


/* Unique names at the root, and one of them again at the end. */

static void
root_members(out_t *out, size_t size)
{
    put_str(out, "{");
    for (unsigned i = 0; i < 250 && out->len < size; i++) {
        add(out, "\"%03x\":[[],[],[],[],[],[],[],[]],", i);
    }
    put_str(out, "\"000\":1}");
}


static const struct {
    const char  *name;
    writer_pt    write;
} families[] = {
#define F(name)  { #name, name }
    F(unknown_wide), F(alien_wide), F(unknown_short), F(alien_short),
    F(details_wide), F(details_short), F(unknown_twice), F(unknown_deep),
    F(alien_deep), F(unknown_deep_objects), F(unknown_object),
    F(alien_object), F(unknown_array), F(unknown_digit), F(unknown_null),
    F(unknown_empty), F(unknown_escapes), F(alien_escapes),
    F(unknown_short_escapes), F(unknown_surrogates), F(unknown_mixed_utf8),
    F(unknown_number), F(details_object), F(details_array), F(details_digit),
    F(details_aliases), F(details_reversed), F(details_escaped),
    F(details_upper), F(details_bad_ip), F(details_helo), F(details_idn),
    F(details_idn_long), F(details_hosts), F(details_addresses),
    F(details_reasons), F(details_unknown_members), F(policies_policy),
    F(policies_domains), F(policies_new_type), F(policies_idn_policy),
    F(policies_object), F(policy_line), F(policy_wrapped),
    F(policy_wrapped_many), F(policy_unwrappable), F(policy_lines),
    F(policy_digit), F(policy_empty), F(mx_host_line), F(spaces_before),
    F(spaces_within), F(root_members)
};

#define NFAMILIES  (sizeof(families) / sizeof(families[0]))


/*
 * Packings
 */

static out_t
deflated(const unsigned char *data, size_t len, int level)
{
    out_t     out = { 0 };
    z_stream  z;

    memset(&z, 0, sizeof(z));

    if (deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        abort();
    }

    z.next_in = (unsigned char *) data;
    z.avail_in = (unsigned) len;
    z.next_out = room(&out, deflateBound(&z, len));
    z.avail_out = (unsigned) out.size;

    if (deflate(&z, Z_FINISH) != Z_STREAM_END) {
        abort();
    }

    out.len = z.total_out;
    deflateEnd(&z);

    return out;
}


static out_t
packed(const out_t *text)
{
    return deflated(text->data, text->len, 9);
}


static out_t
packed_twice(const out_t *text)
{
    out_t  once = packed(text), out = packed(&once);

    free(once.data);

    return out;
}


static out_t
stored_in_gzip(const out_t *text)
{
    /* what is packed twice is as long as the text */
    out_t  once = deflated(text->data, text->len, 0), out = packed(&once);

    free(once.data);

    return out;
}


static const unsigned char  header[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };

static void
put_trailer(out_t *out, const unsigned char *data, size_t len)
{
    uint32_t  sum = (uint32_t) crc32(0, data, (unsigned) len);
    uint32_t  n = (uint32_t) len;

    for (int i = 0; i < 4; i++) {
        unsigned char  c = (unsigned char) (sum >> 8 * i);
        put(out, &c, 1);
    }

    for (int i = 0; i < 4; i++) {
        unsigned char  c = (unsigned char) (n >> 8 * i);
        put(out, &c, 1);
    }
}


static void
put_stored(out_t *out, const unsigned char *data, size_t len, int last)
{
    unsigned char  head[5] = { (unsigned char) last, (unsigned char) len,
                               (unsigned char) (len >> 8),
                               (unsigned char) ~len,
                               (unsigned char) (~len >> 8) };

    put(out, head, 5);
    put(out, data, len);
}


/* The text, then members without any. */

static out_t
members(const out_t *text)
{
    out_t                out = deflated(text->data, text->len / 8 + 1, 9);
    const unsigned char *rest = text->data + text->len / 8 + 1;
    size_t               left = text->len - text->len / 8 - 1;

    while (left) {
        size_t  n = left > 20 ? 1 : left;

        put(&out, header, 10);
        put_stored(&out, rest, n, 1);
        put_trailer(&out, rest, n);
        rest += n;
        left -= n;
    }

    return out;
}


static out_t
members_packed(const out_t *text)
{
    out_t  once = deflated(text->data, text->len, 9), out;

    while (once.len < text->len) {
        static const unsigned char  empty[2] = { 3, 0 };

        put(&once, header, 10);
        put(&once, empty, 2);
        put_trailer(&once, empty, 0);
    }

    out = packed(&once);
    free(once.data);

    return out;
}


/* A member whose text is cut into blocks of a byte, or that has blocks without
   any between its bytes. */

static out_t
stored(const out_t *text)
{
    out_t  out = { 0 };

    put(&out, header, 10);

    for (size_t i = 0; i < text->len; i++) {
        put_stored(&out, text->data + i, 1, i + 1 == text->len);
    }

    put_trailer(&out, text->data, text->len);

    return out;
}


static out_t
stored_packed(const out_t *text)
{
    out_t  once = stored(text), out = packed(&once);

    free(once.data);

    return out;
}


static void
put_bits(out_t *out, unsigned *bit, uint64_t value, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (*bit == 0) {
            *room(out, 1) = 0;
            out->len++;
        }

        out->data[out->len - 1] |= (unsigned char) ((value >> i & 1) << *bit);
        *bit = (*bit + 1) & 7;
    }
}


/* Blocks of codes of their own (RFC 1951 3.2.7) without a byte in them: their
   tables have to be built, an eighth of a microsecond a byte. */

static out_t
tables(const out_t *text)
{
    out_t     out = { 0 };
    unsigned  bit = 0;
    size_t    n = text->len / 12 + 1;

    put(&out, header, 10);

    while (n--) {
        put_bits(&out, &bit, 4, 3);         /* dynamic, not the last */
        put_bits(&out, &bit, 0, 5);         /* 257 lengths */
        put_bits(&out, &bit, 0, 5);         /* and 1 */
        put_bits(&out, &bit, 14, 4);
        for (unsigned i = 0; i < 18; i++) { /* 18 and 1, a bit each */
            put_bits(&out, &bit, i == 2 || i == 17, 3);
        }
        put_bits(&out, &bit, 1, 1);         /* 138 zeroes */
        put_bits(&out, &bit, 127, 7);
        put_bits(&out, &bit, 1, 1);         /* 118 */
        put_bits(&out, &bit, 107, 7);
        put_bits(&out, &bit, 0, 1);         /* end of block: 1 bit */
        put_bits(&out, &bit, 0, 1);
        put_bits(&out, &bit, 0, 1);         /* the end */
    }

    put_bits(&out, &bit, 2, 3);             /* then none, by the fixed code */
    put_bits(&out, &bit, 0, 7);
    put_bits(&out, &bit, 3, 3);             /* and the end */
    put_bits(&out, &bit, 0, 7);
    put_trailer(&out, text->data, 0);

    return out;
}


static out_t
tables_packed(const out_t *text)
{
    out_t  once = tables(text), out = packed(&once);

    free(once.data);

    return out;
}


/* A header with a name as long as the text. */

static out_t
named(const out_t *text)
{
    out_t                 out = { 0 }, rest = packed(text);
    static unsigned char  head[10];

    memcpy(head, header, 10);
    head[3] = 8 | 16;                       /* FNAME, FCOMMENT */
    put(&out, head, 10);
    memset(room(&out, text->len), 'a', text->len);
    out.len += text->len;
    put(&out, "\0a\0", 3);
    put(&out, rest.data + 10, rest.len - 10);
    free(rest.data);

    return out;
}


static out_t
named_packed(const out_t *text)
{
    out_t  once = named(text), out = packed(&once);

    free(once.data);

    return out;
}


static out_t
plain(const out_t *text)
{
    out_t  out = { 0 };

    put(&out, text->data, text->len);

    return out;
}


static const struct {
    const char  *name;
    out_t      (*pack)(const out_t *text);
} packings[] = {
    { "gzip", packed }, { "gzip twice", packed_twice },
    { "stored in gzip", stored_in_gzip }, { "plain", plain },
    { "members", members }, { "members in gzip", members_packed },
    { "blocks", stored }, { "blocks in gzip", stored_packed },
    { "tables", tables }, { "tables in gzip", tables_packed },
    { "names", named }, { "names in gzip", named_packed }
};

#define NPACKINGS  (sizeof(packings) / sizeof(packings[0]))


/*
 * Interface
 */

static out_t
write_text(writer_pt write, size_t size, uint64_t seed, int day)
{
    out_t      out = { 0 };
    time_t     t = (time_t) day * 86400;
    struct tm  tm;

    gmtime_r(&t, &tm);
    strftime(out.from, sizeof(out.from), "%Y-%m-%d", &tm);
    out.seed = seed;
    write(&out, size);

    return out;
}


unsigned
bodies_nfamilies(void)
{
    return NFAMILIES;
}


unsigned
bodies_npackings(void)
{
    return NPACKINGS;
}


unsigned
bodies_nhonest(void)
{
    return sizeof(honest) / sizeof(honest[0]);
}


const char *
bodies_family(unsigned family)
{
    return families[family].name;
}


body_t
bodies_hostile(unsigned family, unsigned packing, size_t size, uint64_t seed,
    int day)
{
    body_t  body;
    out_t   text = write_text(families[family].write, size, seed, day);
    out_t   out = packings[packing].pack(&text);

    body.data = out.data;
    body.len = out.len;
    snprintf(body.name, sizeof(body.name), "%s, %s, %zu", families[family].name,
             packings[packing].name, text.len);
    free(text.data);

    return body;
}


body_t
bodies_honest(unsigned kind, size_t size, uint64_t seed, int day)
{
    body_t  body;
    out_t   text = write_text(honest[kind], size, seed, day);
    out_t   out = packed(&text);

    body.data = out.data;
    body.len = out.len;
    snprintf(body.name, sizeof(body.name), "honest %u, %zu", kind, text.len);
    free(text.data);

    return body;
}
