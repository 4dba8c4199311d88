/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_fetches.h"
#include "tlsrpt_key.h"
#include "tlsrpt_time.h"


#define NUMBER_LEN  24
#define FIELD_LEN   32

/* EVALSHA, the script, "1", the key; then what the scripts take. */
#define FIRST_KEY   3


static tlsrpt_str_t
str(const char *text)
{
    return (tlsrpt_str_t) { text, strlen(text) };
}


static tlsrpt_str_t
kept_text(char buf[NUMBER_LEN])
{
    snprintf(buf, NUMBER_LEN, "%d",
             (int) (TLSRPT_FETCHES_DAYS * TLSRPT_DAY));

    return str(buf);
}


tlsrpt_command_t *
tlsrpt_fetches_command(const tlsrpt_fetches_batch_t *batch)
{
    char          number[NUMBER_LEN], keep[NUMBER_LEN], count[NUMBER_LEN];
    char          today[TLSRPT_DAY_TEXT_LEN + 1];
    char          oldest[TLSRPT_DAY_TEXT_LEN + 1];
    char          day[TLSRPT_DAY_TEXT_LEN + 1];
    char          field[FIELD_LEN];
    tlsrpt_key_t  key;

    tlsrpt_key_domain(&key, batch->prefix, batch->domain, TLSRPT_FETCHES_KEY);
    snprintf(number, sizeof(number), "%" PRIu64, batch->number);
    tlsrpt_day_text(batch->today, today);
    tlsrpt_day_text(batch->today - TLSRPT_FETCHES_DAYS, oldest);
    tlsrpt_day_text(batch->fetch.day, day);
    snprintf(field, sizeof(field), "%s %u", day, batch->fetch.status);
    snprintf(count, sizeof(count), "%" PRIu64, batch->fetch.count);

    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("EVALSHA"), str(tlsrpt_fetches_script.sha1),
        TLSRPT_STR("1"), { key.data, key.len }, batch->node, batch->zone,
        str(number), str(today), str(oldest), kept_text(keep), str(field),
        str(count)
    };

    return tlsrpt_command_create(argv, sizeof(argv) / sizeof(argv[0]),
                                 FIRST_KEY, &tlsrpt_fetches_script);
}


tlsrpt_command_t *
tlsrpt_fetches_node_command(tlsrpt_str_t prefix, tlsrpt_str_t node,
    int32_t since, int all_of, int32_t today)
{
    char          keep[NUMBER_LEN];
    char          first[TLSRPT_DAY_TEXT_LEN + 1];
    char          from[TLSRPT_DAY_TEXT_LEN + 1];
    char          last[TLSRPT_DAY_TEXT_LEN + 1];
    char          oldest[TLSRPT_DAY_TEXT_LEN + 1];
    tlsrpt_key_t  key;

    tlsrpt_key_checks(&key, prefix, TLSRPT_FETCHES_NODES);
    tlsrpt_day_text(since, first);
    tlsrpt_day_text(today, last);
    tlsrpt_day_text(today - TLSRPT_FETCHES_DAYS, oldest);

    /* who stopped and began again within two days missed nothing */
    tlsrpt_day_text(all_of ? since - 1 : today + 1, from);

    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("EVALSHA"), str(tlsrpt_fetches_node_script.sha1),
        TLSRPT_STR("1"), { key.data, key.len }, node, str(first), str(from),
        str(last), str(oldest), kept_text(keep)
    };

    return tlsrpt_command_create(argv, sizeof(argv) / sizeof(argv[0]),
                                 FIRST_KEY, &tlsrpt_fetches_node_script);
}


/*
 * Reading
 */

/* The two halves around a blank: "DAY STATUS", "DAY DAY". */

static int
read_day(const tlsrpt_reply_t *text, int32_t *day, const char **rest,
    size_t *len)
{
    if (text->type != TLSRPT_REPLY_STRING
        || text->len < TLSRPT_DAY_TEXT_LEN + 2
        || text->str[TLSRPT_DAY_TEXT_LEN] != ' ')
    {
        return -1;
    }

    *rest = text->str + TLSRPT_DAY_TEXT_LEN + 1;
    *len = text->len - TLSRPT_DAY_TEXT_LEN - 1;

    return tlsrpt_day_parse(text->str, TLSRPT_DAY_TEXT_LEN, day);
}


static int
read_number(const char *s, size_t len, uint64_t *n)
{
    *n = 0;

    for (size_t i = 0; i < len; i++) {
        if (!tlsrpt_is_digit(s[i]) || *n > TLSRPT_MAX_COUNT) {
            return -1;
        }

        *n = *n * 10 + (uint64_t) (s[i] - '0');
    }

    return len > 0 && *n <= TLSRPT_MAX_COUNT ? 0 : -1;
}


static void
read_fetch(tlsrpt_fetches_t *f, const tlsrpt_reply_t *field,
    const tlsrpt_reply_t *value)
{
    size_t           len;
    uint64_t         status;
    const char      *rest;
    tlsrpt_fetch_t  *fetch = &f->list[f->n];

    if (f->n < TLSRPT_MAX_FETCHES && value->type == TLSRPT_REPLY_STRING
        && read_day(field, &fetch->day, &rest, &len) == 0
        && read_number(rest, len, &status) == 0 && status < 1000
        && read_number(value->str, value->len, &fetch->count) == 0)
    {
        fetch->status = (unsigned) status;
        f->n++;
    }
}


void
tlsrpt_fetches_read(tlsrpt_fetches_t *f, const tlsrpt_reply_t *reply)
{
    f->n = 0;

    if (reply->type != TLSRPT_REPLY_ARRAY) {
        return;
    }

    for (size_t i = 0; i + 1 < reply->nelements; i += 2) {
        read_fetch(f, reply->elements[i], reply->elements[i + 1]);
    }
}


/* 0, or -1: it is none. */

static int
read_node(tlsrpt_fetches_node_t *node, const tlsrpt_reply_t *name,
    const tlsrpt_reply_t *days)
{
    size_t       len;
    const char  *rest;

    if (name->type != TLSRPT_REPLY_STRING || name->len > TLSRPT_NODE_LEN
        || read_day(days, &node->first, &rest, &len) != 0
        || tlsrpt_day_parse(rest, len, &node->last) != 0)
    {
        return -1;
    }

    memcpy(node->name, name->str, name->len);
    node->name[name->len] = '\0';
    node->serves = 0;

    return 0;
}


void
tlsrpt_fetches_read_nodes(tlsrpt_fetches_t *f, const tlsrpt_reply_t *reply)
{
    f->nnodes = 0;

    if (reply->type != TLSRPT_REPLY_ARRAY) {
        return;
    }

    for (size_t i = 0; i + 1 < reply->nelements
                       && f->nnodes < TLSRPT_MAX_NODES; i += 2)
    {
        f->nnodes += read_node(&f->nodes[f->nnodes], reply->elements[i],
                               reply->elements[i + 1]) == 0;
    }
}


void
tlsrpt_fetches_read_served(tlsrpt_fetches_t *f, const tlsrpt_reply_t *reply)
{
    size_t       i;
    json_t      *node;
    const char  *name;
    json_t      *json = reply->type == TLSRPT_REPLY_STRING
                        ? json_loadb(reply->str, reply->len, 0, NULL) : NULL;

    json_array_foreach(json_object_get(json, "nodes"), i, node) {
        name = json_string_value(json_object_get(node, "node"));

        for (size_t k = 0; name != NULL && k < f->nnodes; k++) {
            f->nodes[k].serves |= strcmp(f->nodes[k].name, name) == 0;
        }
    }

    json_decref(json);
}


/* Of a hash that is full the oldest days may be gone. */

static int
is_kept(const tlsrpt_fetches_t *f, int32_t day)
{
    int32_t  oldest = f->n ? f->list[0].day : day;

    for (size_t i = 1; i < f->n; i++) {
        oldest = f->list[i].day < oldest ? f->list[i].day : oldest;
    }

    return f->n < TLSRPT_MAX_FETCHES || day > oldest;
}


size_t
tlsrpt_fetches_nodes(const tlsrpt_fetches_t *f, int32_t day)
{
    size_t  n = 0;

    for (size_t i = 0; i < f->nnodes && is_kept(f, day); i++) {
        n += f->nodes[i].serves && day > f->nodes[i].first
             && day <= f->nodes[i].last;
    }

    return n;
}
