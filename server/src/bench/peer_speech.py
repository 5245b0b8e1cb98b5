"""The peer of `gradus bench speech`: faster-whisper with the weights of the same ggml file, on the same segments.

Arguments: the ggml file, a folder. Reads {"segments": [lengths in samples], "threads": n} from standard input and the samples, 32-bit
floats at 16 kHz, from `segments.f32` in the folder; prints the figures as JSON. The weights are converted here: faster-whisper's own
come from a hub, and other weights would compare models and not engines.
"""
import json
import os
import struct
import sys
import time

import numpy as np
from ctranslate2.specs import WhisperSpec
from faster_whisper import WhisperModel
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

LANGUAGES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy sk te fa lv"
    " bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa"
    " lb my bo tl mg as tt haw ln ha ba jw su"
).split()
# The heads whose attention follows the words, of the base model; others have no times of words here.
ALIGNMENT = {6: [[3, 1], [4, 2], [4, 3], [4, 7], [5, 1], [5, 2], [5, 4], [5, 6]]}


def numbers(file, count):
    return struct.unpack(f"<{count}i", file.read(4 * count))


def read(path):
    """The parameters, the tokens and the weights of a ggml file."""
    with open(path, "rb") as file:
        head = numbers(file, 12)
        if head[0] != 0x67676D6C:
            sys.exit("no ggml file")
        mels, width = numbers(file, 2)
        file.read(4 * mels * width)
        tokens = []
        for _ in range(numbers(file, 1)[0]):
            tokens.append(file.read(numbers(file, 1)[0]))
        weights = {}
        while start := file.read(12):
            axes, length, kind = struct.unpack("<3i", start)
            shape = numbers(file, axes)[::-1]
            name = file.read(length).decode()
            count = int(np.prod(shape))
            if kind == 0:
                values = np.frombuffer(file.read(4 * count), np.float32)
            elif kind == 1:
                values = np.frombuffer(file.read(2 * count), np.float16)
            elif kind == 8:
                # 32 bytes and the half-precision number by which they are multiplied.
                block = np.frombuffer(file.read(count // 32 * 34), np.dtype([("scale", "<f2"), ("bytes", "i1", 32)]))
                values = block["bytes"].astype(np.float32) * block["scale"].astype(np.float32)[:, None]
            else:
                sys.exit(f"weights of kind {kind} are not known here")
            weights[name] = values.astype(np.float32).reshape(shape)
    return head, tokens, weights


def layer(spec, weights, name, cross):
    def norm(target, at):
        target.gamma, target.beta = weights[f"{name}.{at}.weight"], weights[f"{name}.{at}.bias"]

    def linear(target, at):
        target.weight, target.bias = weights[f"{name}.{at}.weight"], weights[f"{name}.{at}.bias"]

    def fused(target, at, parts):
        target.weight = np.concatenate([weights[f"{name}.{at}.{part}.weight"] for part in parts])
        none = np.zeros(len(weights[f"{name}.{at}.key.weight"]), np.float32)
        target.bias = np.concatenate([weights.get(f"{name}.{at}.{part}.bias", none) for part in parts])

    norm(spec.self_attention.layer_norm, "attn_ln")
    fused(spec.self_attention.linear[0], "attn", ["query", "key", "value"])
    linear(spec.self_attention.linear[1], "attn.out")
    if cross:
        norm(spec.attention.layer_norm, "cross_attn_ln")
        linear(spec.attention.linear[0], "cross_attn.query")
        fused(spec.attention.linear[1], "cross_attn", ["key", "value"])
        linear(spec.attention.linear[2], "cross_attn.out")
    norm(spec.ffn.layer_norm, "mlp_ln")
    linear(spec.ffn.linear_0, "mlp.0")
    linear(spec.ffn.linear_1, "mlp.2")


def convert(path, folder):
    head, tokens, weights = read(path)
    _, vocabulary, _, _, heads, layers, _, _, text_heads, text_layers, _, _ = head
    spec = WhisperSpec(layers, heads, text_layers, text_heads)
    encoder, decoder = spec.encoder, spec.decoder
    for number in (1, 2):
        conv = getattr(encoder, f"conv{number}")
        conv.weight = weights[f"encoder.conv{number}.weight"]
        conv.bias = weights[f"encoder.conv{number}.bias"].reshape(-1)
    encoder.position_encodings.encodings = weights["encoder.positional_embedding"]
    decoder.position_encodings.encodings = weights["decoder.positional_embedding"]
    decoder.embeddings.weight = weights["decoder.token_embedding.weight"]
    decoder.projection.weight = weights["decoder.token_embedding.weight"]
    decoder.scale_embeddings = False
    for target, name in ((encoder.layer_norm, "encoder.ln_post"), (decoder.layer_norm, "decoder.ln")):
        target.gamma, target.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]
    for number, one in enumerate(encoder.layer):
        layer(one, weights, f"encoder.blocks.{number}", False)
    for number, one in enumerate(decoder.layer):
        layer(one, weights, f"decoder.blocks.{number}", True)

    signs = pre_tokenizers.ByteLevel.alphabet()
    # The same table in the order of the bytes: printable ones stand for themselves, the others come after 255.
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in plain}
    for byte in range(256):
        table.setdefault(byte, chr(256 + len(table) - len(plain)))
    assert set(table.values()) == set(signs)
    words = {"".join(table[byte] for byte in token): number for number, token in enumerate(tokens)}
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES), "<|translate|>", "<|transcribe|>"]
    special += ["<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    special += [f"<|{number * 0.02:.2f}|>" for number in range(1501)]
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in special])
    assert tokenizer.token_to_id("<|0.00|>") == 50364 and tokenizer.get_vocab_size() == vocabulary
    all_words = sorted(tokenizer.get_vocab().items(), key=lambda pair: pair[1])
    spec.register_vocabulary([word for word, _ in all_words])
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [220, 50257]
    spec.config.lang_ids = list(range(50259, 50259 + len(LANGUAGES)))
    spec.config.alignment_heads = ALIGNMENT.get(text_layers, [])
    spec.validate()
    spec.optimize(quantization="int8_float32")
    os.makedirs(folder, exist_ok=True)
    spec.save(folder)
    tokenizer.save(os.path.join(folder, "tokenizer.json"))


def main():
    path, folder = sys.argv[1:3]
    given = json.load(sys.stdin)
    target = os.path.join(folder, "model")
    convert(path, target)
    samples = np.fromfile(os.path.join(folder, "segments.f32"), np.float32)
    model = WhisperModel(target, device="cpu", compute_type="int8", cpu_threads=given["threads"], local_files_only=True)

    def hear(segment):
        found, _ = model.transcribe(
            segment, language="ru", beam_size=1, best_of=1, temperature=0.0, condition_on_previous_text=False,
            suppress_tokens=[], word_timestamps=given["word_times"], vad_filter=False,
        )
        return " ".join(one.text.strip() for one in found)

    at, segments = 0, []
    for length in given["segments"]:
        segments.append(samples[at : at + length])
        at += length
    hear(segments[0])
    cpu, wall = time.process_time(), time.perf_counter()
    texts = [hear(segment) for segment in segments]
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    import ctranslate2
    import faster_whisper

    json.dump({
        "engine": f"faster-whisper {faster_whisper.__version__}, ctranslate2 {ctranslate2.__version__}, int8, the same weights",
        "cpu_seconds": round(cpu, 2), "seconds": round(wall, 2), "texts": texts,
    }, sys.stdout, ensure_ascii=False)


main()
