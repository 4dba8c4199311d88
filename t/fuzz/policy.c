/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A policy's text -> policy -> text: what is taken is served as a text that
 * means the same, and everything that is said of it is said in words, of a line
 * that there is.
 */

#include "fuzz.h"

#include "mta_sts_policy.h"

typedef struct {
    size_t    lines;
    unsigned  errors;
} remarks_t;


static void
remark(void *ctx, int is_error, size_t at, const char *section,
    const char *message)
{
    remarks_t  *remarks = ctx;
    json_t     *text = json_string(message);

    CHECK(at <= remarks->lines);
    CHECK(section != NULL);
    CHECK(text != NULL && json_string_length(text) > 0);    /* UTF-8 */
    json_decref(text);
    remarks->errors += is_error != 0;
}


static int
parse(const char *text, size_t len, mta_sts_policy_t *policy)
{
    int        rc;
    remarks_t  remarks = { 1, 0 };

    for (size_t i = 0; i < len; i++) {
        remarks.lines += text[i] == '\n' || text[i] == '\r';
    }

    memset(policy, 0, sizeof(*policy));
    rc = mta_sts_policy_parse(text, len, policy, remark, &remarks);
    CHECK((rc != 0) == (remarks.errors != 0));

    return rc;
}


static void
check_policy(const mta_sts_policy_t *policy)
{
    CHECK(policy->nmx <= MTA_STS_MAX_MX);
    CHECK(policy->max_age <= MTA_STS_MAX_AGE);
    CHECK(policy->mode == MTA_STS_NONE || policy->nmx > 0);

    for (size_t i = 0; i < policy->nmx; i++) {
        CHECK(strlen(policy->mx[i]) <= TLSRPT_DOMAIN_LEN + 2);
        CHECK(policy->mx[i][0] != '\0');
    }
}


static void
check_same(const mta_sts_policy_t *a, const mta_sts_policy_t *b)
{
    char  one[MTA_STS_ID_LEN + 1], two[MTA_STS_ID_LEN + 1];

    CHECK(a->mode == b->mode && a->max_age == b->max_age);
    CHECK(a->nmx == b->nmx);

    for (size_t i = 0; i < a->nmx; i++) {
        CHECK(strcmp(a->mx[i], b->mx[i]) == 0);
    }

    mta_sts_policy_id(a, one);
    mta_sts_policy_id(b, two);
    CHECK(strcmp(one, two) == 0 && strlen(one) <= MTA_STS_ID_LEN);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                    *text;
    size_t                   len;
    static mta_sts_policy_t  policy, again;

    text = malloc(size);
    CHECK(text != NULL || size == 0);
    memcpy(text, data, size);

    if (parse(text, size, &policy) == 0) {
        check_policy(&policy);
        free(text);

        len = mta_sts_policy_text(&policy, NULL, 0);
        CHECK(len > 0 && len <= MTA_STS_MAX_SIZE);
        text = malloc(len);
        CHECK(text != NULL);
        CHECK(mta_sts_policy_text(&policy, text, len) == len);
        CHECK(parse(text, len, &again) == 0);
        check_same(&policy, &again);
    }

    free(text);
    return 0;
}
