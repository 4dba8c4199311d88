/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Plays stories of nginx's Redis client: what happens to it, line by line, and
 * what it must have done by then.  The client is the real one; the loop and the
 * clock, its callers and Redis are ours (loop.h).
 *
 *     redis STORY
 *
 * A story is a file of lines, and what is behind "#" is a comment.  Words are
 * parted by blanks, or stand in double quotes.  Words in capitals stand for the
 * story's own here; NAME is what a command is called within the story.
 *
 * First:
 *
 *     redis at ADDRESS...                     to these addresses,
 *         with user U password P db N timeout 500ms
 *                                             or without some of them
 *
 * Callers do this.  Such lines one after the other are one turn of the loop:
 *
 *     caller sends NAME WORD...               a command
 *     caller sends NAME of N bytes            a long one
 *     caller sends N of NAME                  short ones: NAME1, NAME2, ...
 *     caller ingests NAME WORD...             the script, with a key and so on
 *     caller leaves NAME                      does not wait for it any more
 *     when NAME is told, caller ...           one of these, in its handler
 *
 * This happens:
 *
 *     time passes 500ms
 *     the worker is busy for 3s               in one turn of the loop
 *     chance is N                             the client's random number
 *     the next connect is done at once        without having to wait for it
 *     the next connect fails at once
 *     the connection opens
 *     the connection is refused
 *     the connection takes N bytes            of what is sent, and no more,
 *     the connection takes all                until this
 *     redis says LINE...                      each with CRLF: RESP
 *     redis says LINE... byte by byte
 *     redis says LINE... cut anywhere         in two: see below
 *     redis closes
 *     the worker exits                        once it is idle
 *     the worker ends                         now
 *
 * This is so by now, or the story has failed:
 *
 *     connecting to ADDRESS
 *     connected
 *     not connected
 *     connections N                           so far
 *     redis has NAME...                       these whole commands are what it
 *                                             was sent next, in this order
 *     redis has eval of NAME                  the same with the script's text
 *     redis has words WORD...                 one of no caller
 *     redis has part of NAME                  begun, not ended
 *     redis has nothing more
 *     NAME is told REPLY                      by its handler: text, :1, nil,
 *                                             "-ERR text" or "[:1 text]"
 *     NAME is told timeout
 *     NAME is told lost
 *     NAME is refused                         when it was sent
 *     NAME waits
 *     timer in 100ms
 *     timer from 100ms to 200ms               the next one is due
 *     no timer
 *     log has TEXT
 *     log lacks TEXT
 *
 * A story with "cut anywhere" is played once for each cut.  So is one with
 *
 *     the connection takes any of N bytes     1 to N of them
 *
 * and each may do so once.
 *
 * Of any story, at any line: each connection carries whole commands, one behind
 * the other, but for the last; a handler is called once, not from within the
 * call that sends, and not if its caller has left.  At the end no command waits
 * (but if the worker ends), none but of callers was sent that no line names,
 * and no connection, timer, event or memory is left.
 */

#include "loop.h"
#include "story.h"
#include "callers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngx_http_tlsrpt_counters.h"

#define MAX_ADDRS  8


static ngx_http_tlsrpt_redis_conf_t  conf;
static ngx_addr_t                    addrs[MAX_ADDRS];
static struct sockaddr               sockaddr;
static ngx_http_tlsrpt_redis_t      *client;


/*
 * What callers do
 */

static void
send_words(char **arg, size_t n)
{
    command_t  *command = callers_add(arg[0]);

    for (command->argc = 0; command->argc < n - 1; command->argc++) {
        command->argv[command->argc] = story_copy(arg[command->argc + 1]);
    }

    callers_send(client, command);
}


static void
ingest_words(char **arg, size_t n)
{
    command_t  *command = callers_add(arg[0]);

    command->script = &tlsrpt_ingest_script;

    for (command->argc = 0; command->argc < n - 1; command->argc++) {
        command->argv[command->argc] = story_copy(arg[command->argc + 1]);
    }

    callers_send(client, command);
}


static void
send_long(char **arg, size_t n)
{
    size_t      len = story_number(arg[1]);
    command_t  *command = callers_add(arg[0]);

    command->argc = 3;
    command->argv[0] = story_copy("SET");
    command->argv[1] = story_copy(arg[0]);
    command->argv[2] = story_must(malloc(len + 1));
    memset(command->argv[2], 'x', len);
    command->argv[2][len] = '\0';

    callers_send(client, command);
}


static void
send_many(char **arg, size_t n)
{
    char        name[64];
    command_t  *command;

    n = story_number(arg[0]);

    for (size_t i = 1; i <= n; i++) {
        snprintf(name, sizeof(name), "%s%zu", arg[1], i);
        command = callers_add(name);
        command->argc = 2;
        command->argv[0] = story_copy("GET");
        command->argv[1] = story_copy(name);
        callers_send(client, command);
    }
}


static void
leave(char **arg, size_t n)
{
    command_t  *command = callers_find(arg[0]);

    command->outcome = LEFT;
    ngx_http_tlsrpt_redis_detach(client, command);
}


static void
when_told(char **arg, size_t n)
{
    callers_find(arg[0])->then = story_join(arg + 1, n - 1);
}


/*
 * What happens
 */

static void
start(char **arg, size_t n)
{
    memset(&conf, 0, sizeof(conf));
    conf.timeout = 1000;
    conf.name.data = (u_char *) "redis.example";
    conf.name.len = sizeof("redis.example") - 1;
    conf.addrs = addrs;
    sockaddr.sa_family = AF_INET;

    for ( ; n && strcmp(*arg, "with") != 0; arg++, n--) {
        if (conf.naddrs == MAX_ADDRS) {
            story_fail("too many addresses");
        }

        addrs[conf.naddrs].sockaddr = &sockaddr;
        addrs[conf.naddrs].name.data = (u_char *) story_copy(*arg);
        addrs[conf.naddrs++].name.len = strlen(*arg);
    }

    for (size_t i = 1; i + 1 < n; i += 2) {
        ngx_str_t  value = { strlen(arg[i + 1]), (u_char *) arg[i + 1] };

        if (strcmp(arg[i], "user") == 0) {
            conf.user = value;
            conf.user.data = (u_char *) story_copy(arg[i + 1]);

        } else if (strcmp(arg[i], "password") == 0) {
            conf.password = value;
            conf.password.data = (u_char *) story_copy(arg[i + 1]);

        } else if (strcmp(arg[i], "db") == 0) {
            conf.db = story_number(arg[i + 1]);

        } else if (strcmp(arg[i], "timeout") == 0) {
            conf.timeout = story_msec(arg[i + 1]);

        } else {
            story_fail("not known: with %s", arg[i]);
        }
    }

    client = story_must(ngx_http_tlsrpt_redis_create(&conf, &loop_log));
}


static void
pass(char **arg, size_t n)
{
    loop_pass(story_msec(arg[0]));
}


static void
busy(char **arg, size_t n)
{
    loop_busy(story_msec(arg[0]));
}


static void
chance(char **arg, size_t n)
{
    loop_random = (long) story_number(arg[0]);
}


static void
connect_at_once(char **arg, size_t n)
{
    loop_connect = CONNECT_DONE;
}


static void
connect_fails(char **arg, size_t n)
{
    loop_connect = CONNECT_FAILS;
}


/* The connection, which is in this state. */

static socket_t *
connection(socket_state_e state)
{
    static const char *const  names[] = { "being made", "open", "closed" };

    socket_t  *s = loop_socket();

    if (s == NULL || s->state != state) {
        story_fail("the connection is %s", s ? names[s->state] : "none");
    }

    return s;
}


static void
opens(char **arg, size_t n)
{
    socket_accept(connection(SOCKET_CONNECTING));
}


static void
is_refused(char **arg, size_t n)
{
    socket_refuse(connection(SOCKET_CONNECTING));
}


static void
takes(char **arg, size_t n)
{
    socket_take(loop_socket(), story_number(arg[0]));
}


static void
takes_any(char **arg, size_t n)
{
    socket_take(loop_socket(), story_any(story_number(arg[0])));
}


static void
takes_all(char **arg, size_t n)
{
    socket_take(loop_socket(), LOOP_UNLIMITED);
}


/* What redis says: its lines, with their ends. */

static size_t
resp(char **arg, size_t n, char *text, size_t size)
{
    size_t  len = 0;

    for (size_t i = 0; i < n; i++) {
        len += (size_t) snprintf(text + len, size - len, "%s\r\n", arg[i]);

        if (len >= size) {
            story_fail("redis says too much");
        }
    }

    return len;
}


static void
says(char **arg, size_t n)
{
    char    text[8192];
    size_t  len = resp(arg, n, text, sizeof(text));

    socket_send(connection(SOCKET_OPEN), text, len);
}


static void
says_by_byte(char **arg, size_t n)
{
    char    text[8192];
    size_t  len = resp(arg, n, text, sizeof(text));

    for (size_t i = 0; i < len; i++) {
        socket_send(connection(SOCKET_OPEN), text + i, 1);
    }
}


static void
says_cut(char **arg, size_t n)
{
    char    text[8192];
    size_t  len = resp(arg, n, text, sizeof(text)), cut = story_any(len - 1);

    socket_send(connection(SOCKET_OPEN), text, cut);
    socket_send(connection(SOCKET_OPEN), text + cut, len - cut);
}


static void
closes(char **arg, size_t n)
{
    socket_finish(connection(SOCKET_OPEN));
}


static void
worker_exits(char **arg, size_t n)
{
    loop_exit();
}


static void
worker_ends(char **arg, size_t n)
{
    ngx_http_tlsrpt_redis_destroy(client);
    client = NULL;
    callers_leave_all();
}


/*
 * What is so
 */

static void
is_connecting(char **arg, size_t n)
{
    socket_t  *s = connection(SOCKET_CONNECTING);

    if (strcmp(s->address, arg[0]) != 0) {
        story_fail("it connects to %s", s->address);
    }
}


static void
is_connected(char **arg, size_t n)
{
    connection(SOCKET_OPEN);
}


static void
is_not_connected(char **arg, size_t n)
{
    if (loop_nopen()) {
        story_fail("there is a connection");
    }
}


static void
has_connected(char **arg, size_t n)
{
    if (loop_nsockets() != story_number(arg[0])) {
        story_fail("%zu times", loop_nsockets());
    }
}


static void
has_next(const char *name, int eval)
{
    const received_t  *r = redis_next();

    if (!redis_is(r, callers_find(name), eval)) {
        story_fail("redis does not have %s, but %s %s", name, r->argv[0],
                   r->argc > 1 ? r->argv[1] : "");
    }
}


static void
has(char **arg, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        has_next(arg[i], 0);
    }
}


static void
has_eval(char **arg, size_t n)
{
    has_next(arg[0], 1);
}


static void
has_words(char **arg, size_t n)
{
    const received_t  *r = redis_next();

    for (size_t i = 0; i < n; i++) {
        if (r->argc != n || strcmp(r->argv[i], arg[i]) != 0) {
            story_fail("redis has %s", r->argv[0]);
        }
    }
}


static void
has_nothing(char **arg, size_t n)
{
    if (redis_peek() != NULL) {
        story_fail("redis has %s", redis_peek()->argv[0]);
    }
}


static void
has_part(char **arg, size_t n)
{
    connection(SOCKET_OPEN);

    if (!redis_has_part(callers_find(arg[0]))) {
        story_fail("redis has something else, or nothing");
    }
}


static void
is_told(char **arg, size_t n)
{
    command_t  *command = callers_find(arg[0]);

    if (command->outcome != TOLD || strcmp(command->told, arg[1]) != 0) {
        story_fail("%s is told %s", command->name,
                   command->outcome == TOLD ? command->told : "nothing");
    }
}


static void
was_refused(char **arg, size_t n)
{
    char  *told_refused[] = { arg[0], "refused" };

    is_told(told_refused, 2);
}


static void
waits(char **arg, size_t n)
{
    command_t  *command = callers_find(arg[0]);

    if (command->outcome != WAITS) {
        story_fail("%s is told %s", command->name,
                   command->told ? command->told : "nothing");
    }
}


static void
timer(char **arg, size_t n)
{
    ngx_msec_int_t  next = loop_next();

    if (next < (ngx_msec_int_t) story_msec(arg[0])
        || next > (ngx_msec_int_t) story_msec(arg[n - 1]))
    {
        story_fail("the next timer is due in %ld ms", (long) next);
    }
}


static void
no_timer(char **arg, size_t n)
{
    if (loop_next() >= 0) {
        story_fail("one is due in %ld ms", (long) loop_next());
    }
}


static void
log_has(char **arg, size_t n)
{
    if (strstr(loop_logged(), arg[0]) == NULL) {
        story_fail("it has not");
    }
}


static void
log_lacks(char **arg, size_t n)
{
    if (strstr(loop_logged(), arg[0]) != NULL) {
        story_fail("it has it");
    }
}


static const sentence_t  sentences[] = {
    { "redis at *",                            start },
    { "caller sends $ of $ bytes",             send_long },
    { "caller sends $ of $",                   send_many },
    { "caller sends $ *",                      send_words },
    { "caller ingests $ *",                    ingest_words },
    { "caller leaves $",                       leave },
    { "when $ is told, *",                     when_told },
    { "time passes $",                         pass },
    { "the worker is busy for $",              busy },
    { "chance is $",                           chance },
    { "the next connect is done at once",      connect_at_once },
    { "the next connect fails at once",        connect_fails },
    { "the connection opens",                  opens },
    { "the connection is refused",             is_refused },
    { "the connection takes any of $ bytes",   takes_any },
    { "the connection takes $ bytes",          takes },
    { "the connection takes all",              takes_all },
    { "redis says * byte by byte",             says_by_byte },
    { "redis says * cut anywhere",             says_cut },
    { "redis says *",                          says },
    { "redis closes",                          closes },
    { "the worker exits",                      worker_exits },
    { "the worker ends",                       worker_ends },
    { "connecting to $",                       is_connecting },
    { "connected",                             is_connected },
    { "not connected",                         is_not_connected },
    { "connections $",                         has_connected },
    { "redis has eval of $",                   has_eval },
    { "redis has words *",                     has_words },
    { "redis has part of $",                   has_part },
    { "redis has nothing more",                has_nothing },
    { "redis has *",                           has },
    { "$ is told $",                           is_told },
    { "$ is refused",                          was_refused },
    { "$ waits",                               waits },
    { "timer in $",                            timer },
    { "timer from $ to $",                     timer },
    { "no timer",                              no_timer },
    { "log has $",                             log_has },
    { "log lacks $",                           log_lacks },
    { NULL,                                    NULL }
};


/*
 * Around the lines
 */

static void
begin(void)
{
    loop_reset();
    callers_begin();
    client = NULL;
}


/* Callers' lines one after the other are one turn. */

static void
around(const char *first, int after)
{
    if (!after && strcmp(first, "caller") != 0) {
        loop_turn();
    }

    redis_receive();
}


static void
end(void)
{
    loop_turn();
    redis_receive();

    if (client != NULL) {
        ngx_http_tlsrpt_redis_destroy(client);
    }

    if (loop_nopen() || loop_next() >= 0
        || !ngx_queue_empty(&ngx_posted_events))
    {
        story_fail("a connection, a timer or an event is left");
    }

    for (size_t i = 0; i < conf.naddrs; i++) {
        free(addrs[i].name.data);
    }

    free(conf.user.data);
    free(conf.password.data);
    callers_end();
    loop_reset();
}


/*
 * Of the module, what the client calls
 */

void
ngx_http_tlsrpt_count_command(ngx_uint_t answered, ngx_msec_t elapsed)
{
}


void
ngx_http_tlsrpt_count_queue(ngx_uint_t ncommands)
{
}


int
main(int argc, char **argv)
{
    static const stories_t  stories = { sentences, begin, around, end,
                                        loop_logged };

    if (argc != 2) {
        fprintf(stderr, "usage: %s STORY\n", argv[0]);
        return 2;
    }

    return story_main(&stories, argv[1]);
}
