/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The reader of JSON against jansson: the same verdict and the same values,
 * but for the limits of tlsrpt_json.h and jansson's on numbers; and the same
 * in any split, whatever names are expected.
 */

#include "fuzz.h"

#include <errno.h>
#include <math.h>

#include "tlsrpt_json.h"

typedef struct {
    json_t  *stack[TLSRPT_JSON_MAX_DEPTH + 1];
    size_t   depth;
    json_t  *top;
    char    *key;
    size_t   key_len;
    int      over;              /* a number that jansson refuses */
    tlsrpt_json_t *expecting;   /* to tell of names, or NULL */
    const tlsrpt_json_name_t *told[TLSRPT_JSON_MAX_DEPTH + 1];
} tree_t;

typedef struct {
    int      rc;
    size_t   offset;
    size_t   line;
    size_t   column;
    unsigned deviations;
    tree_t   tree;
} result_t;


/* Some of json.dict, in an order of their own. */
static const tlsrpt_json_name_t  names[] = {
    { "\"report-id\":", 12 },
    { "\"policies\":", 11 },
    { "\"policy\":", 9 },
    { "\"policy-type\":", 14 },
    { "\"receiving-mx-hostname\":", 24 },
    { "\"receiving-mx-helo\":", 20 },
    { "\"receiving-ip\":", 15 },
    { "\"mx-host\":", 10 },
};

#define NNAMES  (sizeof(names) / sizeof(names[0]))


/* As jansson's scanner takes numbers. */
static json_t *
number(tree_t *tree, const char *s, size_t len)
{
    char       buf[TLSRPT_JSON_MAX_NUMBER + 1];
    long long  integer;
    double     real;

    CHECK(len <= TLSRPT_JSON_MAX_NUMBER);
    memcpy(buf, s, len);
    buf[len] = '\0';
    errno = 0;

    if (strpbrk(buf, ".eE") == NULL) {
        integer = strtoll(buf, NULL, 10);
        tree->over |= errno == ERANGE;
        return json_integer(integer);
    }

    real = strtod(buf, NULL);
    if (errno == ERANGE && (real == HUGE_VAL || real == -HUGE_VAL)) {
        tree->over = 1;
        real = 0;
    }

    return json_real(real);
}


static json_t *
value(tree_t *tree, tlsrpt_json_event_t event, const char *s, size_t len)
{
    switch (event) {
    case TLSRPT_JSON_OBJECT:  return json_object();
    case TLSRPT_JSON_ARRAY:   return json_array();
    case TLSRPT_JSON_STRING:  return json_stringn(s, len);
    case TLSRPT_JSON_NUMBER:  return number(tree, s, len);
    case TLSRPT_JSON_TRUE:    return json_true();
    case TLSRPT_JSON_FALSE:   return json_false();
    case TLSRPT_JSON_NULL:    return json_null();
    default:                  abort();
    }
}


static void
add(tree_t *tree, json_t *json)
{
    json_t  *parent;

    if (tree->depth == 0) {
        CHECK(tree->top == NULL);
        tree->top = json;
        return;
    }

    parent = tree->stack[tree->depth];

    if (json_is_array(parent)) {
        CHECK(json_array_append_new(parent, json) == 0);
        return;
    }

    CHECK(tree->key != NULL);
    CHECK(json_object_get(parent, tree->key) == NULL);
    CHECK(json_object_set_new(parent, tree->key, json) == 0);
    free(tree->key);
    tree->key = NULL;
}


static int
is_expected(const char *s, size_t len)
{
    size_t  i;

    for (i = 0; i < NNAMES; i++) {
        if (names[i].len == len + 3 && memcmp(names[i].quoted + 1, s, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
set_key(tree_t *tree, const char *s, size_t len)
{
    CHECK(tree->key == NULL && memchr(s, '\0', len) == NULL);
    tree->key = malloc(len + 1);
    CHECK(tree->key != NULL);
    memcpy(tree->key, s, len);
    tree->key[len] = '\0';
}


/* The key of a value where its name was expected. */
static void
set_expected_key(tree_t *tree)
{
    const tlsrpt_json_name_t  *name = tree->told[tree->depth];

    if (name != NULL) {
        set_key(tree, name->quoted + 1, name->len - 3);
    }
}


static int
handler(void *ctx, tlsrpt_json_event_t event, const char *s, size_t len)
{
    tree_t  *tree = ctx;
    json_t  *json;

    switch (event) {

    case TLSRPT_JSON_KEY:
        CHECK(!tree->expecting || !is_expected(s, len));
        CHECK(tree->told[tree->depth] == NULL);
        set_key(tree, s, len);
        return TLSRPT_OK;

    case TLSRPT_JSON_OBJECT_END:
    case TLSRPT_JSON_ARRAY_END:
        CHECK(tree->depth > 0);
        CHECK(json_is_object(tree->stack[tree->depth])
              == (event == TLSRPT_JSON_OBJECT_END));
        tree->depth--;
        return TLSRPT_OK;

    default:
        set_expected_key(tree);
        json = value(tree, event, s, len);
        CHECK(json != NULL);
        add(tree, json);
    }

    if (event == TLSRPT_JSON_OBJECT || event == TLSRPT_JSON_ARRAY) {
        CHECK(tree->depth < TLSRPT_JSON_MAX_DEPTH);
        tree->stack[++tree->depth] = json;
        tree->told[tree->depth] = NULL;
    }

    if (event == TLSRPT_JSON_OBJECT && tree->expecting) {
        tlsrpt_json_expect(tree->expecting, names, NNAMES, sizeof(names[0]),
                           &tree->told[tree->depth]);
    }

    return TLSRPT_OK;
}


static int
feed(void *object, const void *bytes, size_t len)
{
    return tlsrpt_json_feed(object, bytes, len);
}


static void
run(tlsrpt_json_t *json, const uint8_t *data, size_t size, size_t limit,
    int expecting, result_t *result)
{
    memset(result, 0, sizeof(result_t));
    result->tree.expecting = expecting ? json : NULL;
    tlsrpt_json_reset(json, handler, &result->tree);

    result->rc = limit != 0 ? fuzz_feed(json, feed, data, size, limit)
                            : tlsrpt_json_feed(json, data, size);
    CHECK(tlsrpt_json_finish(json) == result->rc || result->rc == TLSRPT_OK);
    result->rc = tlsrpt_json_finish(json);

    tlsrpt_json_position(json, &result->offset, &result->line,
                         &result->column);
    result->deviations = tlsrpt_json_deviations(json);

    CHECK(result->offset <= size);
    CHECK(result->rc != TLSRPT_OK || result->offset == size);
    free(result->tree.key);
}


static void
check_position(const uint8_t *data, const result_t *result)
{
    size_t  i, line = 1, column = 1;

    for (i = 0; i < result->offset; i++) {
        column = data[i] == '\n' ? 1 : column + 1;
        line += data[i] == '\n';
    }

    CHECK(line == result->line && column == result->column);
}


static void
check_same(const result_t *a, const result_t *b)
{
    CHECK(a->rc == b->rc);
    CHECK(a->offset == b->offset);
    CHECK(a->line == b->line && a->column == b->column);
    CHECK(a->deviations == b->deviations);
    CHECK(a->tree.top == b->tree.top || json_equal(a->tree.top, b->tree.top));
}


static void
check_run(tlsrpt_json_t *json, const uint8_t *data, size_t size, size_t limit,
    int expecting, const result_t *whole)
{
    result_t  result;

    run(json, data, size, limit, expecting, &result);
    check_same(whole, &result);
    json_decref(result.tree.top);
}


/* jansson passes over no BOM and no NULs. */
static json_t *
referee(const uint8_t *data, size_t size, const result_t *result)
{
    json_error_t  error;

    if (result->deviations & TLSRPT_JSON_BOM) {
        data += 3;
        size -= 3;
    }

    if (result->deviations & TLSRPT_JSON_NULS) {
        while (size > 0 && strchr(" \t\r\n", data[size - 1]) != NULL) {
            size--;
        }
    }

    return json_loadb((const char *) data, size, JSON_REJECT_DUPLICATES,
                      &error);
}


/* jansson 2.14 passes over a NUL next to a number, which it takes for the end
   of its own buffer. */
static int
is_nul(const uint8_t *data, size_t size, const result_t *result)
{
    return result->rc == TLSRPT_ERR_JSON && result->offset < size
           && data[result->offset] == '\0';
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tlsrpt_json_t  *json;
    json_t                *expected;
    result_t               whole;

    if (json == NULL) {
        json = tlsrpt_json_create();
        CHECK(json != NULL);
    }

    run(json, data, size, 0, 0, &whole);
    check_position(data, &whole);

    check_run(json, data, size, 7, 0, &whole);
    check_run(json, data, size, 1, 0, &whole);
    check_run(json, data, size, 0, 1, &whole);
    check_run(json, data, size, 7, 1, &whole);

    expected = referee(data, size, &whole);

    if (whole.rc == TLSRPT_OK) {
        CHECK(whole.tree.over == (expected == NULL));
        CHECK(expected == NULL || json_equal(whole.tree.top, expected));

    } else if (whole.rc != TLSRPT_ERR_TOO_DEEP
               && whole.rc != TLSRPT_ERR_TOO_MANY
               && whole.rc != TLSRPT_ERR_TOO_LONG
               && !is_nul(data, size, &whole))
    {
        CHECK(expected == NULL);
    }

    json_decref(whole.tree.top);
    json_decref(expected);
    return 0;
}
