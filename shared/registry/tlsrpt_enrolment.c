/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include <libpsl.h>

#include "tlsrpt_enrolment.h"


static const char  alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

static const char *const  states[] = {
    [TLSRPT_PENDING] = "pending",
    [TLSRPT_ACTIVE]  = "active",
    [TLSRPT_LEAVING] = "leaving",
};

#define NSTATES  ((int) (sizeof(states) / sizeof(states[0])))


const char *
tlsrpt_enrolment_state_name(tlsrpt_enrolment_state_t state)
{
    return states[state];
}


int
tlsrpt_enrolment_state(tlsrpt_str_t name)
{
    for (int i = 0; i < NSTATES; i++) {
        if (tlsrpt_str_is(name, states[i])) {
            return i;
        }
    }

    return -1;
}


/*
 * Names
 */

/* An address of IPv4, as no top-level domain is a number. */

static int
ends_in_number(tlsrpt_str_t domain)
{
    size_t  i = domain.len;

    while (i && tlsrpt_is_digit(domain.data[i - 1])) {
        i--;
    }

    return i < domain.len && i > 0 && domain.data[i - 1] == '.';
}


static int
is_public_suffix(tlsrpt_str_t domain)
{
    char  name[TLSRPT_DOMAIN_LEN + 1];

    memcpy(name, domain.data, domain.len);
    name[domain.len] = '\0';

    return psl_is_public_suffix2(psl_builtin(), name,
                                 PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE);
}


const char *
tlsrpt_enrolment_refused(tlsrpt_str_t domain)
{
    if (domain.len > TLSRPT_ENROLMENT_NAME_LEN) {
        return "the name is longer than 238 bytes";
    }

    if (domain.len == 0 || memchr(domain.data, '.', domain.len) == NULL) {
        return "the name needs at least two labels";
    }

    if (ends_in_number(domain)) {
        return "this is not the name of a domain";
    }

    if (tlsrpt_str_begins(domain, "mta-sts.")) {
        return "the name begins with \"mta-sts\": enrol the domain above it";
    }

    for (size_t i = 0; i < domain.len; i++) {
        if (domain.data[i] == '_' && (i == 0 || domain.data[i - 1] == '.')) {
            return "the name has a label that begins with \"_\"";
        }
    }

    if (is_public_suffix(domain)) {
        return "the name is a public suffix, below which others have domains";
    }

    return NULL;
}


int
tlsrpt_owner_is_valid(tlsrpt_str_t owner)
{
    for (size_t i = 0; i < owner.len; i++) {
        if (owner.data[i] < 0x21 || owner.data[i] > 0x7e) {
            return 0;
        }
    }

    return owner.len > 0 && owner.len <= TLSRPT_OWNER_LEN;
}


/*
 * Tokens
 */

void
tlsrpt_token_make(const unsigned char random[TLSRPT_TOKEN_BYTES],
    char token[TLSRPT_TOKEN_LEN + 1])
{
    size_t    n = 0, nbits = 0;
    unsigned  bits = 0;

    for (size_t i = 0; i < TLSRPT_TOKEN_BYTES; i++) {
        bits = bits << 8 | random[i];

        for (nbits += 8; nbits >= 5; nbits -= 5) {
            token[n++] = alphabet[bits >> (nbits - 5) & 31];
        }

        bits &= 31;
    }

    token[n++] = alphabet[bits << (5 - nbits) & 31];
    token[n] = '\0';
}


int
tlsrpt_token_read(tlsrpt_str_t text, char token[TLSRPT_TOKEN_LEN + 1])
{
    if (text.len != TLSRPT_TOKEN_LEN) {
        return 0;
    }

    tlsrpt_lower_copy(token, text.data, text.len);
    token[TLSRPT_TOKEN_LEN] = '\0';

    return strspn(token, alphabet) == TLSRPT_TOKEN_LEN;
}


int
tlsrpt_token_equal(tlsrpt_str_t a, tlsrpt_str_t b)
{
    unsigned  differs = 0;

    if (a.len != b.len) {
        return 0;
    }

    for (size_t i = 0; i < a.len; i++) {
        differs |= (unsigned char) (tlsrpt_lower(a.data[i])
                                    ^ tlsrpt_lower(b.data[i]));
    }

    return differs == 0;
}


int
tlsrpt_token_of_address(tlsrpt_str_t address, char token[TLSRPT_TOKEN_LEN + 1])
{
    size_t  end = address.len, begin;

    while (end && address.data[end - 1] != '@') {
        end--;
    }

    if (end == 0) {
        return 0;
    }

    begin = --end;

    while (begin && address.data[begin - 1] != '+'
           && address.data[begin - 1] != '-')
    {
        begin--;
    }

    return begin > 0
           && tlsrpt_token_read((tlsrpt_str_t) { address.data + begin,
                                                 end - begin }, token);
}


/*
 * What is served
 */

int
tlsrpt_enrolment_is_over(const tlsrpt_enrolment_t *e, int64_t now)
{
    return e->state == TLSRPT_LEAVING && e->ends <= now;
}


int
tlsrpt_enrolment_follows(const tlsrpt_enrolment_t *e)
{
    return e->state != TLSRPT_LEAVING && e->same_as.data != NULL;
}


int
tlsrpt_enrolment_is_led(const tlsrpt_enrolment_t *e,
    const tlsrpt_enrolment_t *holder)
{
    return holder != NULL && tlsrpt_str_equal(holder->owner, e->same_owner);
}


static int
own_policy(const tlsrpt_enrolment_t *e, mta_sts_policy_t *policy)
{
    policy->mode = e->mode;
    policy->max_age = e->max_age;
    policy->nmx = e->nmx;

    for (size_t i = 0; i < e->nmx; i++) {
        memcpy(policy->mx[i], e->mx[i].data, e->mx[i].len);
        policy->mx[i][e->mx[i].len] = '\0';
    }

    return 1;
}


/* Senders replace what they hold by this one (RFC 8461 8.3). */

static int
ending_policy(mta_sts_policy_t *policy)
{
    policy->mode = MTA_STS_NONE;
    policy->max_age = TLSRPT_LEAVING_MAX_AGE;
    policy->nmx = 0;

    return 1;
}


int
tlsrpt_enrolment_policy(const tlsrpt_enrolment_t *e, int64_t now,
    mta_sts_policy_t *policy)
{
    if (e->state == TLSRPT_LEAVING) {
        return tlsrpt_enrolment_is_over(e, now) ? 0 : ending_policy(policy);
    }

    if (e->state == TLSRPT_PENDING || e->same_as.data != NULL) {
        return 0;
    }

    if (e->mode != -1) {
        return own_policy(e, policy);
    }

    return e->held > now ? ending_policy(policy) : 0;
}


int64_t
tlsrpt_enrolment_held(const tlsrpt_enrolment_t *e, int64_t now)
{
    int64_t  until = e->held;

    if (e->served && e->mode != -1 && now + e->max_age > until) {
        until = now + e->max_age;
    }

    return until > now ? until : 0;
}
