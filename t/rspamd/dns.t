# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# rspamd asks a name's own name servers (lualib/tlsrpt/dns.lua): what it finds
# at a real one, and what it does not believe.

use IO::Select;
use IO::Socket::INET;

use TLSRPT::Test;
use TLSRPT::Knot;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 0);
my $dir = $server->dir;
my $long = join ' ', map { '"' . ($_ x 250) . '"' } 'a' .. 'd';
my $dns = TLSRPT::Knot->new(server => $server);
my $address = $dns->address;

$dns->zone('a.example',
        '_tlsrpt-verify TXT "one" "-and-two"', '_smtp._tls TXT "v=TLSRPTv1"',
        '_smtp._tls TXT "other"', '_large TXT ' . $long,
        '_large TXT "second"', 'mixed TXT "Case"', '_null A 192.0.2.1',
        'alias CNAME there.b.example.', 'far CNAME far.c.example.',
        'dangling CNAME nothing.b.example.', 'loop CNAME loop.b.example.',
        'apex CNAME evil.example.', (map { "many TXT \"$_\"" } 1 .. 70))
    ->zone('b.example', 'there TXT "found"', 'loop CNAME loop.a.example.')
    ->zone('c.example', 'far TXT "far"', '@ NS ns.elsewhere.example.')
    ->zone('elsewhere.example', 'ns A 10.0.0.1')
    # who is led there is asked to believe what it says of others' names
    ->zone('evil.example', '@ TXT "evil"')
    ->zone('old.example', '@ NS old.a.example.', 'there TXT "old"')
    ->zone('half.example', '@ NS gone.half.example.', '@ NS here.half.example.',
           "gone A $address", "here A $address", 'x TXT "half"')
    ->start;

my @names = qw(_tlsrpt-verify.a.example _smtp._tls.a.example _large.a.example
    mixed.a.example MIXED.A.example nothing.a.example _null.a.example
    deep.below.nothing.a.example alias.a.example dangling.a.example
    loop.a.example far.a.example apex.a.example there.old.example x.half.example
    many.a.example x.unknown.test example);
my $rspamd = TLSRPT::Rspamd->new($dns->for_rspamd, server => $server,
    redis => 0, milter => 0, config => sprintf('lua = "%s/t/rspamd/dns.lua";',
                      $server->top),
    env => { ALLOWED => $address,
             QUESTIONS => $server->write_file('names',
                                              join("\n", @names, '')) });
$rspamd->start;

sub answer {
    my ($name, $what) = @_;

    $rspamd->logged(qr/DNS \Q$name\E: /) or return fail "$name: no answer";
    my ($said) = $rspamd->log =~ /DNS \Q$name\E: (.*)/;
    $said =~ s/;?\s*$//;

    return like $said, $what, "$name";
}

answer('_tlsrpt-verify.a.example', qr/^\[1\] one-and-two$/);
answer('_smtp._tls.a.example', qr/^\[2\] other\|v=TLSRPTv1$/);
answer('_large.a.example', qr/^\[2\] a{250}b{50}$/);
answer('mixed.a.example', qr/^\[1\] Case$/);
answer('MIXED.A.example', qr/^\[1\] Case$/);
answer('nothing.a.example', qr/^\[0\]\s*$/);
answer('_null.a.example', qr/^\[0\]\s*$/);
answer('deep.below.nothing.a.example', qr/^\[0\]\s*$/);
answer('alias.a.example', qr/^alias \[1\] found$/);
answer('dangling.a.example', qr/^alias \[0\]\s*$/);
answer('loop.a.example', qr/^not known: more than 4 aliases/);
answer('far.a.example',
       qr/^not known: no server of far\.c\.example has an address/);
answer('apex.a.example', qr/^alias \[1\] evil$/);
answer('there.old.example',
       qr/^not known: no server of there\.old\.example has an address/);
answer('x.half.example', qr/^\[1\] half$/);
answer('many.a.example', qr/^\[64\] /);
answer('x.unknown.test', qr/^not known: NS of x\.unknown\.test: /);
answer('example', qr/^not known: no name servers of example/);

is $rspamd->stop, '', 'nothing bad in the log';
$dns->stop;
done_testing;
