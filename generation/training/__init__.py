"""Fine-tuning on an artist's own recordings: low-rank adapters (LoRA) for audiocraft's language models.

    recordings -> chunks with captions (dataset, captions) -> EnCodec tokens, kept on disk (tokens)
      -> low-rank factors beside the frozen weights (lora) -> steps, validation, early stop (trainer)
      -> a checkpoint to go on from (checkpoint) -> a file with its card (adapter), put on a model for one take

Plain Python without Django. torch, peft and audiocraft are imported inside functions only.
"""
