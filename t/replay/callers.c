/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "loop.h"
#include "story.h"
#include "callers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COMMANDS  10000
#define MAX_RECEIVED  20000


static command_t   *commands[MAX_COMMANDS];
static size_t       ncommands;
static int          sending;                /* a caller's call is going on */

static received_t  *received[MAX_RECEIVED];
static size_t       nreceived;
static size_t       nnamed;                 /* by lines, from the first */


command_t *
callers_find(const char *name)
{
    for (size_t i = 0; i < ncommands; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }

    story_fail("no caller has sent %s", name);
}


/* What Redis is to be sent for it: the number of words. */

static size_t
words_of(const command_t *command, int eval, const char *argv[MAX_ARGS + 3])
{
    size_t  n = 0;

    if (command->script) {
        argv[n++] = eval ? "EVAL" : "EVALSHA";
        argv[n++] = eval ? command->script->text : command->script->sha1;
        argv[n++] = "1";
    }

    for (size_t i = 0; i < command->argc; i++) {
        argv[n++] = command->argv[i];
    }

    return n;
}


int
redis_is(const received_t *r, const command_t *command, int eval)
{
    size_t       n;
    const char  *argv[MAX_ARGS + 3];

    n = words_of(command, eval, argv);

    for (size_t i = 0; i < n; i++) {
        if (n != r->argc || strcmp(argv[i], r->argv[i]) != 0) {
            return 0;
        }
    }

    return 1;
}


/*
 * What the client sends
 */

static size_t
count_at(const u_char *p, const u_char *last, u_char type, size_t *n)
{
    size_t  i = 1;

    *n = 0;

    if (p == last) {
        return 0;
    }

    if (*p != type) {
        story_fail("what Redis is sent is garbled: %c, where %c is expected",
                   *p, type);
    }

    while (p + i < last && p[i] >= '0' && p[i] <= '9') {
        *n = *n * 10 + (size_t) (p[i++] - '0');
    }

    if (p + i + 2 > last) {
        return 0;
    }

    if (i == 1 || memcmp(p + i, "\r\n", 2) != 0) {
        story_fail("what Redis is sent is garbled: a number does not end");
    }

    return i + 2;
}


/* One whole command; 0: there is none yet. */

static size_t
parse_command(const u_char *p, const u_char *last, received_t *r)
{
    size_t         n, len, argc;
    const u_char  *start = p;

    r->argc = 0;

    if ((n = count_at(p, last, '*', &argc)) == 0) {
        return 0;
    }

    for (p += n; r->argc < argc; p += len + 2) {
        if ((n = count_at(p, last, '$', &len)) == 0
            || len + 2 > (size_t) (last - p) - n)
        {
            return 0;
        }

        p += n;

        if (memcmp(p + len, "\r\n", 2) != 0) {
            story_fail("what Redis is sent is garbled: a string of %zu bytes "
                       "does not end", len);
        }

        if (r->argc == MAX_ARGS) {
            story_fail("a command of over %d words", MAX_ARGS);
        }

        r->argv[r->argc++] = story_must(strndup((const char *) p, len));
    }

    return (size_t) (p - start);
}


static void
drop(received_t *r)
{
    for (size_t i = 0; i < r->argc; i++) {
        free(r->argv[i]);
    }

    free(r);
}


/* As one of a caller; most come in the order in which they were sent. */

static int
is_callers(const received_t *r)
{
    static size_t  last;

    for (size_t i = 1; i <= ncommands; i++) {
        const command_t  *command = commands[(last + i) % ncommands];

        if (redis_is(r, command, 0) || redis_is(r, command, 1)) {
            last = (last + i) % ncommands;
            return 1;
        }
    }

    return 0;
}


static int
receive_one(socket_t *s)
{
    size_t       n;
    received_t  *r = story_must(calloc(1, sizeof(received_t)));

    n = parse_command(s->got + s->nparsed, s->got + s->ngot, r);

    if (n == 0) {
        drop(r);
        return 0;
    }

    if (nreceived == MAX_RECEIVED) {
        story_fail("redis was sent too many commands");
    }

    s->nparsed += n;
    r->named = is_callers(r);
    received[nreceived++] = r;

    return 1;
}


void
redis_receive(void)
{
    for (size_t i = 0; i < loop_nsockets(); i++) {
        while (receive_one(loop_socket_at(i))) { /* void */ }
    }
}


int
redis_has_part(const command_t *command)
{
    size_t       n, argc, len, size = 64;
    char        *whole;
    const char  *argv[MAX_ARGS + 3];
    socket_t    *s = loop_socket();

    argc = words_of(command, 0, argv);

    for (size_t i = 0; i < argc; i++) {
        size += strlen(argv[i]) + 32;
    }

    whole = story_must(malloc(size));
    len = (size_t) sprintf(whole, "*%zu\r\n", argc);

    for (size_t i = 0; i < argc; i++) {
        len += (size_t) sprintf(whole + len, "$%zu\r\n%s\r\n",
                                strlen(argv[i]), argv[i]);
    }

    n = s->ngot - s->nparsed;
    n = n > 0 && n < len && memcmp(s->got + s->nparsed, whole, n) == 0;
    free(whole);

    return n != 0;
}


const received_t *
redis_peek(void)
{
    return nnamed < nreceived ? received[nnamed] : NULL;
}


const received_t *
redis_next(void)
{
    if (nnamed == nreceived) {
        story_fail("redis has nothing more");
    }

    received[nnamed]->named = 1;

    return received[nnamed++];
}


/*
 * What callers do
 */

static size_t
put_reply(char *p, size_t size, const tlsrpt_reply_t *reply)
{
    size_t  n;

    switch (reply->type) {

    case TLSRPT_REPLY_INTEGER:
        return (size_t) snprintf(p, size, ":%lld", reply->integer);

    case TLSRPT_REPLY_STRING:
        return (size_t) snprintf(p, size, "%.*s", (int) reply->len,
                                 reply->str);

    case TLSRPT_REPLY_ERROR:
        return (size_t) snprintf(p, size, "-%.*s", (int) reply->len,
                                 reply->str);

    case TLSRPT_REPLY_ARRAY:
        n = (size_t) snprintf(p, size, "[");

        for (size_t i = 0; i < reply->nelements && n + 2 < size; i++) {
            n += (size_t) snprintf(p + n, size - n, i ? " " : "");
            n += put_reply(p + n, size - n, reply->elements[i]);
        }

        return n + (size_t) snprintf(p + n, size - n, "]");

    default:
        return (size_t) snprintf(p, size, "nil");
    }
}


static void
told(void *data, const tlsrpt_reply_t *reply, ngx_uint_t why)
{
    char        text[4096];
    command_t  *command = data;

    if (sending || command->outcome != WAITS) {
        story_fail("the handler of %s is called %s", command->name,
             sending ? "by a call that sends"
                     : command->outcome == LEFT ? "though its caller has left"
                                                : "twice");
    }

    if (reply != NULL) {
        put_reply(text, sizeof(text), reply);
    }

    command->outcome = TOLD;
    command->told = story_copy(reply != NULL ? text
                         : why == NGX_HTTP_TLSRPT_REDIS_TIMEOUT ? "timeout"
                         : why == NGX_HTTP_TLSRPT_REDIS_LOST ? "lost" : "");

    if (command->then != NULL) {
        story_play(command->then);
    }
}


void
callers_send(ngx_http_tlsrpt_redis_t *client, command_t *command)
{
    size_t            lens[MAX_ARGS + 3];
    ngx_int_t         rc;
    const char       *argv[MAX_ARGS + 3];
    tlsrpt_command_t  whole;

    whole.argc = words_of(command, 0, argv);
    whole.argv = argv;
    whole.argvlen = lens;
    whole.key = command->script ? 3 : 1;
    whole.script = command->script;

    for (size_t i = 0; i < whole.argc; i++) {
        lens[i] = strlen(argv[i]);
    }

    sending = 1;
    rc = ngx_http_tlsrpt_redis_send(client, &whole, told, command);
    sending = 0;

    if (rc == NGX_BUSY || rc == NGX_DECLINED) {
        command->outcome = TOLD;
        command->told = story_copy("refused");

    } else if (rc != NGX_OK) {
        story_fail("%s cannot be sent", command->name);
    }
}


command_t *
callers_add(const char *name)
{
    command_t  *command;

    if (ncommands == MAX_COMMANDS) {
        story_fail("too many commands");
    }

    command = story_must(calloc(1, sizeof(command_t)));
    command->name = story_copy(name);
    commands[ncommands++] = command;

    return command;
}


/*
 * Begin and end
 */

void
callers_begin(void)
{
    ncommands = 0;
    nreceived = nnamed = 0;
}


void
callers_leave_all(void)
{
    for (size_t i = 0; i < ncommands; i++) {
        if (commands[i]->outcome == WAITS) {
            commands[i]->outcome = LEFT;
        }
    }
}


void
callers_end(void)
{
    for (size_t i = 0; i < nreceived; i++) {
        if (!received[i]->named) {
            story_fail("redis was sent %s, of which the story does not tell",
                       received[i]->argv[0]);
        }

        drop(received[i]);
    }

    for (size_t i = 0; i < ncommands; i++) {
        command_t  *command = commands[i];

        if (command->outcome == WAITS) {
            story_fail("%s waits at the end", command->name);
        }

        for (size_t j = 0; j < command->argc; j++) {
            free(command->argv[j]);
        }

        free(command->name);
        free(command->told);
        free(command->then);
        free(command);
    }
}
