/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "tlsrpt_buf.h"
#include "tlsrpt_canonical.h"
#include "tlsrpt_detail_object.h"
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

/* A detail: where it is kept, and how it differs from that.  NULL: not kept, or
   kept as it came. */
typedef struct {
    uint64_t                          key;
    const tlsrpt_detail_t            *kept;
    const tlsrpt_canonical_detail_t  *more;
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
    tlsrpt_buf_t               object;      /* of one detail at a time */
    item_t                    *items;
    size_t                     nitems;
    uint64_t                  *places;      /* order_items() */
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
compare_places(const void *one, const void *two)
{
    return compare_keys(*(const uint64_t *) one, *(const uint64_t *) two);
}


static int
compare_policies(const void *one, const void *two)
{
    return compare_keys(((const said_t *) one)->key,
                        ((const said_t *) two)->key);
}


/*
 * Details
 */

/* 0, or -1: no memory, as said in buf. */

static int
reserve(tlsrpt_buf_t *buf, size_t len)
{
    char  *p;

    if (buf->size >= len) {
        return 0;
    }

    p = realloc(buf->data, 2 * len);

    if (p == NULL) {
        buf->failed = 1;
        return -1;
    }

    buf->data = p;
    buf->size = 2 * len;

    return 0;
}


/* The object of a detail; it lasts until the next is made.  len 0: it says
   nothing, or there is no memory. */

static tlsrpt_str_t
object_of(part_t *part, const item_t *item)
{
    char                      *p;
    tlsrpt_str_t               object = { NULL, 0 };
    tlsrpt_canonical_part_t    more = { 0, 0 };
    const tlsrpt_canonical_t  *c = part->canonical;

    if (item->more != NULL) {
        more = item->more->entries;
    }

    if (item->kept == NULL) {
        object.data = c->data + more.at;
        object.len = more.len > 1 ? more.len : 0;
        return object;
    }

    if (reserve(&part->object,
                tlsrpt_detail_object_size(item->kept, more)) != 0) {
        return object;
    }

    p = tlsrpt_detail_object(part->object.data, c, item->kept, more);
    object.data = part->object.data;

    if (p > object.data) {
        *p++ = '\0';
        object.len = (size_t) (p - object.data);
    }

    return object;
}


static void
add_item(part_t *part, said_t *said, const tlsrpt_detail_t *kept,
    const tlsrpt_canonical_detail_t *more)
{
    item_t       *item = &part->items[part->nitems];
    tlsrpt_str_t  object;

    item->kept = kept;
    item->more = more;
    object = object_of(part, item);

    if (object.len == 0) {
        said->nempty++;
        return;
    }

    item->key = key_of(object.data, object.len);
    said->key += item->key;
    part->nitems++;
}


static void
add_details(part_t *part, said_t *said, const tlsrpt_applied_policy_t *kept)
{
    const tlsrpt_canonical_detail_t  *more, *end;

    more = part->canonical->details;        /* NULL: there are none */
    end = more;

    if (more != NULL) {
        more += said->policy->first;
        end = more + said->policy->ndetails;
    }

    for (size_t i = 0; i < kept->ndetails; i++) {
        int  differs = more < end && more->kept == i;

        add_item(part, said, &kept->details[i], differs ? more : NULL);

        if (differs) {
            more++;
        }
    }

    for ( ; more < end; more++) {
        add_item(part, said, NULL, more);
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
sink_said(sink_t *sink, part_t *part, const said_t *said)
{
    tlsrpt_str_t     object;
    const item_t    *items = &part->items[said->first];
    const uint64_t  *places = &part->places[said->first];

    sink_object(sink, part->canonical, said->policy->policy);
    sink_object(sink, part->canonical, said->policy->summary);
    sink_number(sink, said->nitems + said->nempty);
    sink_number(sink, said->nempty);

    for (size_t i = 0; i < said->nitems; i++) {
        object = object_of(part, &items[places[i]]);
        sink_add(sink, object.data, object.len);
    }
}


static void
sink_policy(sink_t *sink, part_t *part, const said_t *said)
{
    if (said->policy->unnamed) {
        sink_add(sink, "\2", 1);
        sink_add(sink, said->policy->digest, TLSRPT_CANON_DIGEST_LEN);

    } else {
        sink_add(sink, "\1", 1);
        sink_said(sink, part, said);
    }
}


/* Are the items of these places in the order of their keys? */

static int
is_ordered(const item_t *items, const uint64_t *places, size_t n, uint64_t mask)
{
    for (size_t i = 1; i < n; i++) {
        if (items[places[i - 1] & mask].key > items[places[i] & mask].key) {
            return 0;
        }
    }

    return 1;
}


/* Places are sorted, as items are three times as long: each is the high bits of
   a key, and below them the number of the item.  Where these do not decide,
   which is rare, the items themselves are. */

static void
order_items(item_t *items, uint64_t *places, size_t n)
{
    uint64_t  mask = 1;

    while (mask < n) {
        mask <<= 1;
    }

    mask--;

    for (size_t i = 0; i < n; i++) {
        places[i] = (items[i].key & ~mask) | i;
    }

    qsort(places, n, sizeof(*places), compare_places);

    if (!is_ordered(items, places, n, mask)) {
        qsort(items, n, sizeof(*items), compare_items);

        for (size_t i = 0; i < n; i++) {
            places[i] = i;
        }
    }

    for (size_t i = 0; i < n; i++) {
        places[i] &= mask;
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
    order_items(&part->items[said->first], &part->places[said->first],
                said->nitems);
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

    if (part->object.failed || !policy->unnamed) {
        return part->object.failed ? -1 : 0;
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
    size_t         n = count_details(report);
    part_t         part;
    sink_t         sink;
    unsigned char  whole[EVP_MAX_MD_SIZE];

    memset(&part, 0, sizeof(part));
    part.canonical = report->canonical;
    part.items = malloc((n + 1) * sizeof(*part.items));
    part.places = malloc((n + 1) * sizeof(*part.places));
    part.policies = malloc((report->npolicies + 1) * sizeof(*part.policies));
    sink.md = sha256();
    sink.n = 0;
    sink.failed = 0;

    if (sink.md != NULL && part.items != NULL && part.places != NULL
        && part.policies != NULL)
    {
        rc = digest_part(&sink, &part, report, report->domains[domain], whole);
    }

    free(part.object.data);
    free(part.items);
    free(part.places);
    free(part.policies);

    if (rc == 0) {
        memcpy(digest, whole, TLSRPT_DIGEST_LEN);
    }

    return rc;
}
