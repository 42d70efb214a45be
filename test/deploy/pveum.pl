#!/usr/bin/perl
# Stands in for Proxmox's pveum: keeps roles, users, tokens and permissions in a file as user.cfg does, refuses what the real one
# refuses, and writes each call down. It knows the options that Proxmox VE 7, 8 and 9 share, and no others.
use strict;
use warnings;
use JSON::PP;

my $json = JSON::PP->new->utf8->canonical;
my $state = -e $ENV{PVEUM_STATE} ? $json->decode(slurp($ENV{PVEUM_STATE})) : {
    roles => { PVEAuditor => { privs => 'Pool.Audit,Sys.Audit,VM.Audit' } },
    users => { 'root@pam' => { enable => 1 } },
    tokens => {},
    acls => [],
};

my $line = join ' ', @ARGV;
open my $calls, '>>', $ENV{PVEUM_CALLS} or die $!;
print $calls "$line\n";
close $calls;
refuse('no quorum!') if defined $ENV{PVEUM_FAULT} && index($line, $ENV{PVEUM_FAULT}) == 0;

# Words of each command -> how many operands it takes, and its options.
my %known = (
    'role list' => [0],
    'role add' => [1, 'privs'],
    'role modify' => [1, 'privs', 'append'],
    'role delete' => [1],
    'user list' => [0],
    'user add' => [1, 'comment', 'enable', 'expire'],
    'user delete' => [1],
    'user token list' => [1],
    'user token add' => [2, 'privsep', 'expire', 'comment'],
    'user token modify' => [2, 'privsep', 'expire', 'comment'],
    'user token remove' => [2],
    'user token permissions' => [2, 'path'],
    'acl list' => [0],
    'acl modify' => [1, 'users', 'groups', 'tokens', 'roles', 'propagate'],
    'acl delete' => [1, 'users', 'groups', 'tokens', 'roles'],
);
my ($command) = grep { index("$line ", "$_ ") == 0 } keys %known;
refuse('ERROR: unknown command') if !defined $command;
splice @ARGV, 0, scalar split / /, $command;
my ($count, @options) = @{ $known{$command} };
refuse('400 not enough arguments') if @ARGV < $count;
my @operands = splice @ARGV, 0, $count;
my %given;
while (defined(my $word = shift @ARGV)) {
    my ($name) = $word =~ /^--(.+)$/ or refuse("unexpected argument: $word");
    refuse("Unknown option: $name") if !grep { $_ eq $name } @options, 'output-format';
    $given{$name} = shift @ARGV // refuse("Option $name requires an argument");
}

my %run = (
    'role list' => sub { show(rows($state->{roles}, 'roleid')) },
    'role add' => sub {
        refuse("create role failed: role '$_[0]' already exists") if $state->{roles}{ $_[0] };
        $state->{roles}{ $_[0] } = { privs => sorted($given{privs}) };
    },
    'role modify' => sub {
        refuse("update role failed: role '$_[0]' does not exist") if !$state->{roles}{ $_[0] };
        $state->{roles}{ $_[0] } = { privs => sorted($given{privs}) };
    },
    'role delete' => sub {
        delete $state->{roles}{ $_[0] } or refuse("delete role failed: role '$_[0]' does not exist");
    },
    'user list' => sub { show(rows($state->{users}, 'userid')) },
    'user add' => sub {
        refuse("create user failed: user '$_[0]' already exists") if $state->{users}{ $_[0] };
        $state->{users}{ $_[0] } = { enable => 1, comment => $given{comment} };
    },
    'user delete' => sub {
        need_user($_[0]);
        delete $state->{users}{ $_[0] };
        forget($_[0]);
    },
    'user token list' => sub {
        need_user($_[0]);
        my $tokens = $state->{tokens};
        show([ map { { tokenid => (split /!/)[1], privsep => $tokens->{$_}{privsep}, expire => $tokens->{$_}{expire} } }
            grep { index($_, "$_[0]!") == 0 } sort keys %$tokens ]);
    },
    'user token add' => sub {
        need_user($_[0]);
        my $id = "$_[0]!$_[1]";
        refuse("400 Parameter verification failed.\ntokenid: Token already exists.") if $state->{tokens}{$id};
        my $value = join '-', map { join '', map { sprintf '%x', rand 16 } 1 .. $_ } 8, 4, 4, 4, 12;
        $state->{tokens}{$id} = { privsep => ($given{privsep} // 1) + 0, expire => ($given{expire} // 0) + 0, value => $value };
        show({ 'full-tokenid' => $id, info => { privsep => $given{privsep} }, value => $value });
    },
    'user token modify' => sub {
        my $token = need_token("$_[0]!$_[1]");
        $token->{privsep} = $given{privsep} + 0 if defined $given{privsep};
        show({ privsep => $token->{privsep} });
    },
    # Proxmox ignores the permission of a token that is not there when it next reads its file.
    'user token remove' => sub {
        need_token("$_[0]!$_[1]");
        delete $state->{tokens}{"$_[0]!$_[1]"};
        forget("$_[0]!$_[1]");
    },
    'user token permissions' => sub {
        my $token = need_token("$_[0]!$_[1]");
        my %own = map { $_ => 1 } rights("$_[0]!$_[1]");
        show({ '/' => { map { $_ => 1 } grep { !$token->{privsep} || $own{$_} } rights($_[0]) } });
    },
    'acl list' => sub { show($state->{acls}) },
    'acl modify' => sub { set_acl($_[0], 1) },
    'acl delete' => sub { set_acl($_[0], 0) },
);
$run{$command}->(@operands);
open my $kept, '>', $ENV{PVEUM_STATE} or die $!;
print $kept $json->encode($state);
close $kept;

sub refuse { print STDERR "$_[0]\n"; exit 255 }
sub slurp { local (@ARGV, $/) = ($_[0]); return scalar <> }
sub sorted { return join ',', sort split /[,\s;]+/, $_[0] }
sub show { print +($given{'output-format'} // '') eq 'json' ? $json->encode($_[0]) . "\n" : "a table\n" }
sub need_user { $state->{users}{ $_[0] } or refuse("no such user ('$_[0]')") }
sub need_token { return $state->{tokens}{ $_[0] } // refuse("no such token '$_[0]'") }
sub forget { my ($id) = @_; $state->{acls} = [ grep { $_->{ugid} ne $id } @{ $state->{acls} } ] }

sub rows {
    my ($map, $key) = @_;
    return [ map { { $key => $_, %{ $map->{$_} } } } sort keys %$map ];
}

sub rights {
    my ($ugid) = @_;
    return map { split /,/, $state->{roles}{ $_->{roleid} }{privs} } grep { $_->{ugid} eq $ugid } @{ $state->{acls} };
}

sub set_acl {
    my ($path, $is_added) = @_;
    my $role = $given{roles} // refuse("400 Parameter verification failed.\nroles: property is missing and it is not optional");
    refuse("role '$role' does not exist") if !$state->{roles}{$role};
    my ($type, $ugid) = defined $given{users} ? ('user', $given{users}) : ('token', $given{tokens});
    $type eq 'user' ? need_user($ugid) : need_token($ugid);
    $state->{acls} = [ grep { $_->{path} ne $path || $_->{ugid} ne $ugid || $_->{roleid} ne $role } @{ $state->{acls} } ];
    push @{ $state->{acls} }, { path => $path, type => $type, ugid => $ugid, roleid => $role, propagate => 1 } if $is_added;
}
