# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Store;

# The core on the Redis of a TLSRPT::Server: t/redis/store.c, a line and its
# answer at a time.

use strict;
use warnings;

use IPC::Open2 ();
use JSON::PP ();

# $program: another build of it.
sub new {
    my ($class, $server, $program) = @_;

    $program ||= $server->top . '/build/t/redis/store';

    my $pid = IPC::Open2::open2(my $out, my $in, $program,
                                $server->redis_socket);

    return bless { pid => $pid, in => $in, out => $out }, $class;
}

sub line {
    my ($self, @words) = @_;

    local $SIG{PIPE} = 'IGNORE';
    my $in = $self->{in};
    print $in "@words\n";
    $in->flush;

    my $answer = readline $self->{out};
    die "store: no answer to @words" if !defined $answer;
    chomp $answer;

    return $answer;
}

my $JSON = JSON::PP->new->utf8->canonical;

sub now       { return $_[0]->line('now', $_[1]) }
sub retention { return $_[0]->line('retention', $_[1]) }
sub ingest    { return $_[0]->line('ingest', $JSON->encode($_[1])) }
sub text      { return $_[0]->line('ingest', $_[1]) }
sub begin_close { return $_[0]->line('close', $_[1]) }
sub step      { return $_[0]->line('step') }
sub all       { return $_[0]->line('all') }
sub keep      { return $_[0]->line('keep', $_[1]) }
sub sign      { return $_[0]->line('sign', $_[1]) }
sub strike_step { return $_[0]->line('strike-step') }
sub claim     { my $got = $_[0]->line('claim'); return split ' ', $got }
sub reckon    { my ($self, @words) = @_; return $self->line('reckon', @words) }
sub reckon_step { return $_[0]->line('reckon-step', $_[1]) }
sub reckon_all  { return $_[0]->line('reckon-all', $_[1]) }
sub begin     { my ($self, @words) = @_; return $self->line(@words) }
sub ask       { return $_[0]->line('ask', $_[1]) }
sub answer    { return $JSON->decode($_[0]->line('answer')) }
sub cost      { return split ' ', $_[0]->line('cost') }

sub close {         ## no critic
    my ($self, $domain) = @_;

    $self->begin_close($domain);

    return $self->all;
}

# What it was done: 1; 2: not known; 3: gone; 0: not done.
sub strike {
    my ($self, $domain, $id, %how) = @_;

    $self->line($how{restore} ? 'restore' : 'strike', $domain, $id);

    return (split ' ', $self->line($how{twice} ? 'strike-twice'
                                               : 'strike-all'))[1];
}

sub restore  { my ($self, @w) = @_; return $self->strike(@w, restore => 1) }
sub metrics  { return [split /\|/, $_[0]->line('metrics', $_[1])] }
sub reports  { my ($self, @w) = @_; $self->begin('reports', @w); return $self->answer }
sub senders  { my ($self, @w) = @_; $self->begin('senders', @w); return $self->answer }
sub stats    { my ($self, @w) = @_; $self->begin('stats', @w); return $self->answer }
sub overview { my ($self, @w) = @_; $self->begin('overview', @w); return $self->answer }
sub problems { my ($self, @w) = @_; $self->begin('problems', @w); return $self->answer }

sub DESTROY {
    my ($self) = @_;

    local ($?, $!);
    CORE::close($self->{in});
    CORE::close($self->{out});
    waitpid $self->{pid}, 0;

    return;
}

1;
