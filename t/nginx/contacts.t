# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# BASE/contacts/TOKEN: a contact of an enrolled domain says whether it wants
# alerts.

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
END
        location /tlsrpt/ { tlsrpt_stats; tlsrpt_scope ""; }
END

my $token = 'abcdefghijklmnopqrstuvwx23';
my $key = 'tlsrpt:{outbox}:contacts';

sub state { return (split / /, $t->redis('HGET', $key, $token))[0] }

sub answer {
    my ($body, @headers) = @_;

    return $t->post("/tlsrpt/contacts/$token", $body, headers => [@headers]);
}

is $t->get("/tlsrpt/contacts/$token")->{status}, 404, 'nobody';
is $t->get("/tlsrpt/contacts/$_")->{status}, 404, $_
    for 'x', "${token}a", 'x' x 500;

$t->redis('HSET', $key, $token, "asked a.example x&'y\@b.example");
my $page = $t->get("/tlsrpt/contacts/$token");
is $page->{status}, 200, 'whatever the scope';
like $page->{headers}{'content-type'}, qr{^text/html}, 'a page';
like $page->{body}, qr/a\.example be sent to x&amp;'y\@b\.example\?/,
    'asks, of what and whom';
like $page->{body}, qr/<form method="post">/, 'with a form';
like $page->{headers}{'content-security-policy'}, qr/default-src 'none'/,
    'and no script';
is $page->{headers}{'referrer-policy'}, 'no-referrer',
    'its address goes nowhere';
is $page->{headers}{'cache-control'}, 'no-store', 'and is not kept';
is $t->request('HEAD', "/tlsrpt/contacts/$token")->{status}, 200, 'HEAD';
is state(), 'asked', 'looking at it says nothing';

my $said = answer('answer=yes');
is $said->{status}, 200, 'yes';
like $said->{body}, qr/From now on, alerts about a\.example are sent to/,
    'told';
is $t->redis('HGET', $key, $token), "confirmed a.example x&'y\@b.example",
    'confirmed';
like answer('answer=no')->{body}, qr/No more alerts about a\.example are sent/,
    'no';
is state(), 'refused', 'refused';
answer('answer=yes');
is answer('List-Unsubscribe=One-Click')->{status}, 200, 'RFC 8058: one click';
is state(), 'refused', 'takes it back';
answer('answer=yes');
answer("--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n"
       . "\r\nOne-Click\r\n--x--\r\n");
is state(), 'refused', 'by the other kind of form, too';
is answer($_)->{status}, 400, "no answer: \"$_\"" for '', 'answer=', 'yes';
is answer('x' x 2000)->{status}, 413, 'too long';
is state(), 'refused', 'it is as it was';
is $t->request('PUT', "/tlsrpt/contacts/$token")->{status}, 405, 'no PUT';
is $t->post('/tlsrpt/contacts/' . ('z' x 26), 'answer=yes')->{status}, 404,
    'nobody can be added';
is $t->redis('HLEN', $key), 1, 'nobody was';
$t->stop_redis;
is $t->get("/tlsrpt/contacts/$token")->{status}, 503, 'no Redis';

$t->stop;
done_testing;
