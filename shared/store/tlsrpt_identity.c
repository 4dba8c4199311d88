/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "tlsrpt_buf.h"
#include "tlsrpt_canonical.h"
#include "tlsrpt_identity.h"


/* Number 1 of the form.  Stored digests stand on it: it does not change.
 *
 *     identity = SHA-256(1 domain head npolicies *policy), the first 8 bytes
 *     domain   = length name              ; normalized
 *     head     = *entry 0                 ; of the report and its date-range
 *     policy   = 1 said / 2 SHA-256(said) ; 2: it names no domain
 *     said     = object object ndetails nempty *object
 *     object   = *entry 0                 ; tlsrpt_canonical.h
 *
 * What a policy says is its "policy", its "summary", how many details it has,
 * how many of them say nothing, and the others.  Policies and details are in
 * the order of their keys.  Numbers and lengths are of eight bytes, least
 * significant first.
 *
 * A key is for the order alone, which has to be the same whatever order they
 * came in.  Who makes two that share their key has made a report whose identity
 * depends on their order, no more.
 */

#define FORM   1
#define STAGE  4096

/* Bytes on their way into a digest, many at a time. */
typedef struct {
    EVP_MD_CTX  *md;
    size_t       n;
    char         data[STAGE];
    int          failed;
} sink_t;

typedef struct {
    uint64_t     key;
    size_t       at;
    size_t       len;
} item_t;

typedef struct {
    uint64_t                    key;
    tlsrpt_canonical_policy_t  *policy;
    size_t                      first;      /* of its items */
    size_t                      nitems;
    size_t                      nempty;     /* details that say nothing */
} said_t;

/* One domain's part of the report. */
typedef struct {
    const tlsrpt_canonical_t  *canonical;
    tlsrpt_buf_t               objects;     /* of the details */
    item_t                    *items;       /* where */
    size_t                     nitems;
    said_t                    *policies;
    size_t                     npolicies;
} part_t;


static void
sink_add(sink_t *sink, const void *data, size_t len)
{
    if (len > STAGE - sink->n) {
        sink->failed |= !EVP_DigestUpdate(sink->md, sink->data, sink->n);
        sink->n = 0;
    }

    if (len > STAGE) {
        sink->failed |= !EVP_DigestUpdate(sink->md, data, len);
        return;
    }

    memcpy(sink->data + sink->n, data, len);
    sink->n += len;
}


static void
sink_number(sink_t *sink, uint64_t n)
{
    unsigned char  bytes[8];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char) (n >> 8 * i & 0xff);
    }

    sink_add(sink, bytes, sizeof(bytes));
}


static int
sink_finish(sink_t *sink, unsigned char *digest)
{
    sink->failed |= !EVP_DigestUpdate(sink->md, sink->data, sink->n);
    sink->failed |= !EVP_DigestFinal_ex(sink->md, digest, NULL);
    sink->failed |= !EVP_DigestInit_ex(sink->md, NULL, NULL);
    sink->n = 0;

    return sink->failed ? -1 : 0;
}


/*
 * Keys
 */

static inline uint64_t
mix(uint64_t key, uint64_t word)
{
    key = (key ^ word) * UINT64_C(0x9e3779b97f4a7c15);

    return key ^ key >> 32;
}


static uint64_t
key_of(const char *data, size_t len)
{
    uint64_t              word, key = len;
    const unsigned char  *p = (const unsigned char *) data;

    for ( ; len >= 8; p += 8, len -= 8) {
        word = (uint64_t) p[0] | (uint64_t) p[1] << 8 | (uint64_t) p[2] << 16
               | (uint64_t) p[3] << 24 | (uint64_t) p[4] << 32
               | (uint64_t) p[5] << 40 | (uint64_t) p[6] << 48
               | (uint64_t) p[7] << 56;
        key = mix(key, word);
    }

    for (word = 0; len; len--) {
        word = word << 8 | p[len - 1];
    }

    return mix(key, word);
}


static int
compare_keys(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}


static int
compare_items(const void *one, const void *two)
{
    return compare_keys(((const item_t *) one)->key,
                        ((const item_t *) two)->key);
}


static int
compare_policies(const void *one, const void *two)
{
    return compare_keys(((const said_t *) one)->key,
                        ((const said_t *) two)->key);
}


/*
 * Details: made from what is kept of them and what is not.
 */

/* By their members' numbers. */

static const size_t  fields[] = {
    [TLSRPT_CANON_RESULT]       = offsetof(tlsrpt_detail_t, result_type),
    [TLSRPT_CANON_SENDING_IP]   = offsetof(tlsrpt_detail_t, sending_mta_ip),
    [TLSRPT_CANON_MX]           = offsetof(tlsrpt_detail_t,
                                           receiving_mx_hostname),
    [TLSRPT_CANON_HELO]         = offsetof(tlsrpt_detail_t, receiving_mx_helo),
    [TLSRPT_CANON_RECEIVING_IP] = offsetof(tlsrpt_detail_t, receiving_ip),
    [TLSRPT_CANON_INFORMATION]  = offsetof(tlsrpt_detail_t,
                                           additional_information),
    [TLSRPT_CANON_REASON]       = offsetof(tlsrpt_detail_t,
                                           failure_reason_code)
};

#define NFIELDS  (sizeof(fields) / sizeof(fields[0]))


static char *
put_count(char *p, uint64_t value)
{
    char  text[24], *digit = text + sizeof(text);

    do {
        *--digit = (char) ('0' + value % 10);
        value /= 10;
    } while (value);

    return tlsrpt_canonical_put(p, TLSRPT_CANON_COUNT, digit,
                                (size_t) (text + sizeof(text) - digit));
}


static inline const tlsrpt_str_t *
field_of(const tlsrpt_detail_t *d, unsigned member)
{
    return (const tlsrpt_str_t *) ((const char *) d + fields[member]);
}


static inline char *
put_kept(char *p, const tlsrpt_detail_t *d, unsigned member)
{
    const tlsrpt_str_t  *s;

    if (member == TLSRPT_CANON_COUNT) {
        return put_count(p, d->failed_session_count);
    }

    s = field_of(d, member);

    return s->len ? tlsrpt_canonical_put(p, member, s->data, s->len) : p;
}


/* The entry of the member; data NULL: there is none. */

static tlsrpt_str_t
find_entry(const tlsrpt_canonical_t *c, tlsrpt_canonical_part_t part,
    unsigned member)
{
    unsigned      found;
    tlsrpt_str_t  value, none = { NULL, 0 };
    const char   *p = c->data + part.at, *end = p + part.len - 1;

    while (p < end) {
        p += tlsrpt_canonical_entry(p, &found, &value);

        if (found == member) {
            return value;
        }
    }

    return none;
}


/* more: what the detail that is kept does not have, or has and should not. */

static char *
put_members(char *p, const tlsrpt_canonical_t *c, const tlsrpt_detail_t *d,
    tlsrpt_canonical_part_t more)
{
    tlsrpt_str_t  value = { NULL, 0 };

    for (unsigned member = 1; member <= TLSRPT_CANON_MOST; member++) {
        if (more.len) {
            value = find_entry(c, more, member);
        }

        if (value.len) {
            p = tlsrpt_canonical_put(p, member, value.data, value.len);

        } else if (value.data == NULL && member < NFIELDS) {
            p = put_kept(p, d, member);
        }
    }

    return p;
}


static size_t
most_bytes(const tlsrpt_detail_t *d, tlsrpt_canonical_part_t more)
{
    size_t  n = more.len + 24 + (TLSRPT_CANON_MOST + 1) * TLSRPT_CANON_EXTRA;

    for (unsigned member = 1; member < NFIELDS; member++) {
        n += member == TLSRPT_CANON_COUNT ? 0 : field_of(d, member)->len;
    }

    return n;
}


static void
end_item(part_t *part, said_t *said, size_t at)
{
    item_t  *item = &part->items[part->nitems];

    if (part->objects.len == at) {
        said->nempty++;
        return;
    }

    tlsrpt_buf_add(&part->objects, "", 1);

    if (part->objects.failed) {
        return;
    }

    item->at = at;
    item->len = part->objects.len - at;
    item->key = key_of(part->objects.data + at, item->len);
    said->key += item->key;
    part->nitems++;
}


/* 0, or -1: no memory, as said in buf. */

static int
reserve(tlsrpt_buf_t *buf, size_t len)
{
    char    *p;
    size_t   size = 2 * buf->size + len;

    if (buf->size - buf->len >= len) {
        return 0;
    }

    p = realloc(buf->data, size);

    if (p == NULL) {
        buf->failed = 1;
        return -1;
    }

    buf->data = p;
    buf->size = size;

    return 0;
}


static void
add_kept(part_t *part, said_t *said, const tlsrpt_detail_t *d,
    tlsrpt_canonical_part_t more)
{
    char    *p;
    size_t   at = part->objects.len;

    if (reserve(&part->objects, most_bytes(d, more)) == 0) {
        p = put_members(part->objects.data + at, part->canonical, d, more);
        part->objects.len = (size_t) (p - part->objects.data);
        end_item(part, said, at);
    }
}


static void
add_details(part_t *part, said_t *said, const tlsrpt_applied_policy_t *kept)
{
    tlsrpt_canonical_part_t           none = { 0, 0 };
    const tlsrpt_canonical_detail_t  *more, *end;

    more = part->canonical->details;        /* NULL: there are none */
    end = more;

    if (more != NULL) {
        more += said->policy->first;
        end = more + said->policy->ndetails;
    }

    for (size_t i = 0; i < kept->ndetails; i++) {
        int  differs = more < end && more->kept == i;

        add_kept(part, said, &kept->details[i],
                 differs ? more->entries : none);

        if (differs) {
            more++;
        }
    }

    for ( ; more < end; more++) {
        size_t  at = part->objects.len;

        tlsrpt_buf_add(&part->objects,
                       part->canonical->data + more->entries.at,
                       more->entries.len - 1);
        end_item(part, said, at);
    }
}


/*
 * Policies
 */

static void
sink_object(sink_t *sink, const tlsrpt_canonical_t *c,
    tlsrpt_canonical_part_t object)
{
    if (object.len) {
        sink_add(sink, c->data + object.at, object.len);

    } else {
        sink_add(sink, "", 1);
    }
}


static void
sink_said(sink_t *sink, const part_t *part, const said_t *said)
{
    const item_t  *items = &part->items[said->first];

    sink_object(sink, part->canonical, said->policy->policy);
    sink_object(sink, part->canonical, said->policy->summary);
    sink_number(sink, said->nitems + said->nempty);
    sink_number(sink, said->nempty);

    for (size_t i = 0; i < said->nitems; i++) {
        sink_add(sink, part->objects.data + items[i].at, items[i].len);
    }
}


static void
sink_policy(sink_t *sink, const part_t *part, const said_t *said)
{
    if (said->policy->unnamed) {
        sink_add(sink, "\2", 1);
        sink_add(sink, said->policy->digest, TLSRPT_CANON_DIGEST_LEN);

    } else {
        sink_add(sink, "\1", 1);
        sink_said(sink, part, said);
    }
}


static void
add_said(part_t *part, said_t *said, const tlsrpt_applied_policy_t *kept)
{
    const tlsrpt_canonical_t         *c = part->canonical;
    const tlsrpt_canonical_policy_t  *policy = said->policy;

    said->key = mix(key_of(c->data + policy->policy.at, policy->policy.len),
                    key_of(c->data + policy->summary.at, policy->summary.len));
    said->nempty = policy->nempty;
    said->first = part->nitems;
    add_details(part, said, kept);
    said->nitems = part->nitems - said->first;
    qsort(&part->items[said->first], said->nitems, sizeof(*part->items),
          compare_items);
}


/* A policy that names no domain is of each domain's part: it becomes a digest,
   once. */

static int
add_policy(sink_t *sink, part_t *part, tlsrpt_canonical_policy_t *policy,
    const tlsrpt_applied_policy_t *kept)
{
    said_t  *said = &part->policies[part->npolicies++];

    said->policy = policy;

    if (!policy->digested) {
        add_said(part, said, kept);
    }

    if (part->objects.failed || !policy->unnamed) {
        return part->objects.failed ? -1 : 0;
    }

    if (!policy->digested) {
        sink_said(sink, part, said);

        if (sink_finish(sink, policy->digest) != 0) {
            return -1;
        }

        policy->digested = 1;
    }

    said->key = key_of((const char *) policy->digest, TLSRPT_CANON_DIGEST_LEN);

    return 0;
}


/* Does the policy name this domain, or none? */

static int
is_of(const tlsrpt_report_t *report, size_t i, tlsrpt_str_t domain)
{
    tlsrpt_str_t  name = report->policies[i].policy_domain;

    return report->canonical->policies[i].unnamed
           || (name.len == domain.len && name.data != NULL
               && memcmp(name.data, domain.data, domain.len) == 0);
}


static int
add_policies(sink_t *sink, part_t *part, const tlsrpt_report_t *report,
    tlsrpt_str_t domain)
{
    tlsrpt_canonical_policy_t  *policies = report->canonical->policies;

    for (size_t i = 0; i < report->npolicies; i++) {
        if (is_of(report, i, domain)
            && add_policy(sink, part, &policies[i], &report->policies[i]) != 0)
        {
            return -1;
        }
    }

    qsort(part->policies, part->npolicies, sizeof(*part->policies),
          compare_policies);

    return 0;
}


/*
 * The report
 */

static void
sink_head(sink_t *sink, const tlsrpt_canonical_t *c, tlsrpt_str_t domain)
{
    static const unsigned char  form = FORM;

    sink_add(sink, &form, 1);
    sink_number(sink, domain.len);
    sink_add(sink, domain.data, domain.len);

    for (int i = 1; i < TLSRPT_CANON_NHEAD; i++) {
        sink_add(sink, c->data + c->head[i].at, c->head[i].len);
    }

    sink_add(sink, "", 1);
}


static int
digest_part(sink_t *sink, part_t *part, const tlsrpt_report_t *report,
    tlsrpt_str_t domain, unsigned char digest[EVP_MAX_MD_SIZE])
{
    if (add_policies(sink, part, report, domain) != 0) {
        return -1;
    }

    sink_head(sink, part->canonical, domain);
    sink_number(sink, part->npolicies);

    for (size_t i = 0; i < part->npolicies; i++) {
        sink_policy(sink, part, &part->policies[i]);
    }

    return sink_finish(sink, digest);
}


/* To make one takes OpenSSL 3 longer than to use it. */

static EVP_MD_CTX *
sha256(void)
{
    static EVP_MD_CTX  *md;
    EVP_MD             *type;

    if (md == NULL) {
        type = EVP_MD_fetch(NULL, "SHA256", NULL);
        md = type != NULL ? EVP_MD_CTX_new() : NULL;

        if (md != NULL && !EVP_DigestInit_ex(md, type, NULL)) {
            EVP_MD_CTX_free(md);
            md = NULL;
        }

        EVP_MD_free(type);
    }

    return md;
}


/* Most details that policies have, kept and not. */

static size_t
count_details(const tlsrpt_report_t *report)
{
    size_t  n = report->canonical->ndetails;

    for (size_t i = 0; i < report->npolicies; i++) {
        n += report->policies[i].ndetails;
    }

    return n;
}


int
tlsrpt_identity(const tlsrpt_report_t *report, unsigned domain,
    unsigned char digest[TLSRPT_DIGEST_LEN])
{
    int            rc = -1;
    part_t         part;
    sink_t         sink;
    unsigned char  whole[EVP_MAX_MD_SIZE];

    memset(&part, 0, sizeof(part));
    part.canonical = report->canonical;
    part.items = malloc((count_details(report) + 1) * sizeof(*part.items));
    part.policies = malloc((report->npolicies + 1) * sizeof(*part.policies));
    sink.md = sha256();
    sink.n = 0;
    sink.failed = 0;

    if (sink.md != NULL && part.items != NULL && part.policies != NULL) {
        rc = digest_part(&sink, &part, report, report->domains[domain], whole);
    }

    free(part.objects.data);
    free(part.items);
    free(part.policies);

    if (rc == 0) {
        memcpy(digest, whole, TLSRPT_DIGEST_LEN);
    }

    return rc;
}
